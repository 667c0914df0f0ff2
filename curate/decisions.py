"""From findings to the fate of each row.

A finding of severity `info` moves nothing. For the others the check's decision holds, and where several
checks speak about one row the strongest does:

1. drop: the row is of no use (an empty answer, a leaked evaluation item)
2. hold: a person should look first (a contradiction); a held row is nobody's duplicate
3. drop or hold as a duplicate: of each cluster one row stays
4. repair: a safe correction; of records that are the same after it one stays, as of other exact duplicates
5. keep

Of duplicates one row stays, by a rule that can be changed (keeper.py): by default the one with the longest
complete answer; then human before synthetic; then the earlier row. Rows that rule 1 or 2 takes away are not chosen,
so that a cluster never vanishes because the one row that should have stayed was lost for another reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.dataset import Dataset
from assay.families import UnionFind
from assay.findings import Fate, Finding, Ledger, LedgerRow, Severity, ledger_schema
from assay.records import Record

from .check import CHECK_FAILED, Decision
from .keeper import DEFAULT_RULE, Rule, keeper_rule, rank
from .reviews.replay import REVIEWED
from .settings import ActiveCheck

if TYPE_CHECKING:
    from .located import Located

_OWN = {CHECK_FAILED: Fate.HELD, REVIEWED: Fate.DROPPED}
"""Findings that no check of the registry makes, and what they decide."""

EXACT = "exact_duplicate"

_FATE = {Decision.DROP: Fate.DROPPED, Decision.HOLD: Fate.HELD}


@dataclass(frozen=True)
class Decided:
    """The fate of every row, and the content of those that were repaired (by position in the data)."""

    ledger: Ledger
    repaired: Mapping[int, Record]


@dataclass
class _Fates:
    """What becomes of the rows that something was found in; of all others nothing is said, and they are kept."""

    fate: dict[int, Fate] = field(default_factory=dict)
    reasons: dict[int, tuple[str, ...]] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)
    repaired: dict[int, Record] = field(default_factory=dict)

    def say(self, position: int, fate: Fate, reasons: tuple[str, ...]) -> None:
        self.fate[position] = fate
        self.reasons[position] = reasons


def decide(
    data: Dataset,
    records: Sequence[Record],
    found: Iterable[Located],
    checks: Sequence[ActiveCheck],
    rule: Rule | None = None,
    reviewed: Collection[str] = (),
) -> Decided:
    """Decides on each record; rows that could not be read are dropped, with the fault as reason.

    records  those of the data, in its order
    rule     which of several duplicates stays; see keeper.py
    reviewed ids of records that a person decided to keep
    """
    active = {item.name: item for item in checks}
    by_position: dict[int, list[Finding]] = defaultdict(list)
    for position, finding in found:
        if finding.severity is not Severity.INFO:
            by_position[position].append(finding)
    fates = _Fates()
    for position, findings in by_position.items():
        fate, reasons = _alone(findings, active)
        if fate is not Fate.KEPT:
            fates.say(position, fate, reasons)
    _choose_among_duplicates(records, by_position, active, rule or keeper_rule(DEFAULT_RULE), reviewed, fates)
    for position, findings in by_position.items():
        if position not in fates.fate:
            _repair(position, records, findings, active, fates)
    _choose_among_repaired(data, records, by_position, active, rule or keeper_rule(DEFAULT_RULE), reviewed, fates)
    return Decided(_ledger(data, fates), fates.repaired)


def _alone(findings: Sequence[Finding], active: Mapping[str, ActiveCheck]) -> tuple[Fate, tuple[str, ...]]:
    """The fate of a row from what was found in it alone, duplicates and repairs left aside."""
    reasons: dict[Fate, list[str]] = {Fate.DROPPED: [], Fate.HELD: []}
    for finding in findings:
        if finding.check in _OWN:
            reasons[_OWN[finding.check]].append(finding.check)
            continue
        item = active[finding.check]
        if not item.check.keeps_one and item.decision in _FATE:
            reasons[_FATE[item.decision]].append(finding.check)
    for fate, names in reasons.items():
        if names:
            return fate, tuple(dict.fromkeys(names))
    return Fate.KEPT, ()


def _choose_among_duplicates(
    records: Sequence[Record],
    by_position: Mapping[int, Sequence[Finding]],
    active: Mapping[str, ActiveCheck],
    rule: Rule,
    reviewed: Collection[str],
    fates: _Fates,
) -> None:
    """Of each cluster one row stays. Clusters of all tiers are taken together."""
    clusters: UnionFind[tuple[str, Any]] = UnionFind()
    tiers: dict[int, list[ActiveCheck]] = defaultdict(list)
    for position in sorted(by_position):
        if position in fates.fate:
            continue
        for finding in by_position[position]:
            item = active.get(finding.check)
            if item is not None and item.check.keeps_one and item.decision in _FATE and finding.group is not None:
                clusters.join(("row", position), (finding.check, finding.group))
                tiers[position].append(item)
    for cluster in clusters.groups():
        rows = sorted(name for kind, name in cluster if kind == "row")
        kept = max(rows, key=lambda row: rank(records[row], row, by_position[row], rule, reviewed))
        for row in rows:
            if row != kept:
                strongest = min(tiers[row], key=lambda item: (item.decision is not Decision.DROP, item.name))
                fates.say(row, _FATE[strongest.decision], (strongest.name,))
                fates.kept[row] = kept


def _repair(
    position: int,
    records: Sequence[Record],
    findings: Sequence[Finding],
    active: Mapping[str, ActiveCheck],
    fates: _Fates,
) -> None:
    """Applies the repairs asked for, one after the other; a row that one of them cannot mend is held.

    A repair that finds its work done by one before it is done.
    """
    wanted = [active[name] for name in dict.fromkeys(finding.check for finding in findings) if name in active]
    wanted = [item for item in wanted if item.decision is Decision.REPAIR and item.check.repair is not None]
    if not wanted:
        return
    original = changed = records[position]
    for item in wanted:
        before = changed
        changed = _mended(item, before)
        if changed == before and (before == original or _mended(item, original) == original):
            fates.say(position, Fate.HELD, (item.name,))
            return
    fates.say(position, Fate.REPAIRED, tuple(item.name for item in wanted))
    fates.repaired[position] = changed


def _choose_among_repaired(
    data: Dataset,
    records: Sequence[Record],
    by_position: Mapping[int, Sequence[Finding]],
    active: Mapping[str, ActiveCheck],
    rule: Rule,
    reviewed: Collection[str],
    fates: _Fates,
) -> None:
    """A repair may make a record the same as another that stays; the check of exact duplicates saw them as they were.

    What it decides holds here too. The reasons name it, and then the repairs after which the row was a copy.
    """
    item = active.get(EXACT)
    if item is None or item.decision not in _FATE:
        return
    copies: dict[int, int] = {}
    for rows in _same_now(data, fates):
        now = {row: fates.repaired.get(row) or records[row] for row in rows}
        kept = max(rows, key=lambda row: rank(now[row], row, by_position.get(row, ()), rule, reviewed))
        for row in rows:
            if row != kept:
                fates.say(row, _FATE[item.decision], (EXACT, *fates.reasons.get(row, ())))
                fates.repaired.pop(row, None)
                copies[row] = kept
    fates.kept = {row: copies.get(kept, kept) for row, kept in fates.kept.items()} | copies


def _same_now(data: Dataset, fates: _Fates) -> list[list[int]]:
    """Positions of records that stay and have the same content, at least one of them since it was repaired."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    same: dict[str, list[int]] = defaultdict(list)
    for position, record in fates.repaired.items():
        same[record.id].append(position)
    if not same:
        return []
    ids = data.table.column("record_id")
    for position in np.flatnonzero(pc.is_in(ids, value_set=pa.array(list(same))).to_numpy()).tolist():
        if fates.fate.get(position, Fate.KEPT) is Fate.KEPT:
            same[ids[position].as_py()].append(position)
    return [sorted(rows) for rows in same.values() if len(rows) > 1]


def _mended(item: ActiveCheck, record: Record) -> Record:
    """The record as it was where the repair fails: a check of somebody else's must not end the run."""
    assert item.check.repair is not None
    try:
        return item.check.repair(record)
    except Exception:  # noqa: BLE001 - the boundary: a row that a repair fails on is held
        return record


def _ledger(data: Dataset, fates: _Fates) -> Ledger:
    import pyarrow as pa

    schema, count = ledger_schema(), len(data)
    row_ids = data.table.column("row_id")
    decided: list[str] = [str(Fate.KEPT)] * count
    reasons: list[tuple[str, ...]] = [()] * count
    for position, fate in fates.fate.items():
        decided[position] = str(fate)
        reasons[position] = fates.reasons[position]
    kept: list[str | None] = [None] * count
    for position, other in fates.kept.items():
        kept[position] = row_ids[other].as_py()
    new: list[str | None] = [None] * count
    for position, record in fates.repaired.items():
        new[position] = record.id
    made: dict[str, Any] = {"fate": decided, "reasons": reasons, "kept_row_id": kept, "new_record_id": new}
    columns = [
        pa.array(made[name], schema.field(name).type) if name in made else data.table.column(name)
        for name in schema.names
    ]
    faulty = Ledger.of(LedgerRow(fault.row_id, "", fault.source, Fate.DROPPED, (fault.check,)) for fault in data.faults)
    return Ledger(pa.concat_tables([pa.Table.from_arrays(columns, schema=schema), faulty.table]))
