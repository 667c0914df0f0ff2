"""From findings to the fate of each row.

A finding of severity `info` moves nothing. For the others the check's decision holds, and where several
checks speak about one row the strongest does:

1. drop: the row is of no use (an empty answer, a leaked evaluation item)
2. hold: a person should look first (a contradiction); a held row is nobody's duplicate
3. drop or hold as a duplicate: of each cluster one row stays
4. repair: a safe correction
5. keep

Of duplicates the row stays that has the longest complete answer; then human before synthetic; then the
earlier row. Rows that rule 1 or 2 takes away are not chosen, so that a cluster never vanishes because the
one row that should have stayed was lost for another reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.families import UnionFind
from assay.findings import Fate, Finding, Ledger, LedgerRow, Severity
from assay.records import Record

from .check import Decision
from .settings import ActiveCheck

CHECK_FAILED = "check_failed"
"""The finding about a record on which a check raised; such a record is held, since nobody judged it."""

INCOMPLETE = ("cut_off_answer", "repetition", "empty_turn")
"""Checks whose findings make an answer incomplete when one of several duplicates is to stay."""

_FATE = {Decision.DROP: Fate.DROPPED, Decision.HOLD: Fate.HELD}


@dataclass(frozen=True)
class Decided:
    """The fate of every row, and the content of those that were repaired (by row id)."""

    ledger: Ledger
    repaired: Mapping[str, Record]


@dataclass(frozen=True)
class _Duplicate:
    fate: Fate
    check: str
    kept_row_id: str


def decide(
    records: Sequence[Record],
    faults: Sequence[Finding],
    findings: Iterable[Finding],
    checks: Sequence[ActiveCheck],
) -> Decided:
    """Decides on each record; rows that could not be read are dropped, with the fault as reason."""
    active = {item.name: item for item in checks}
    by_row: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.severity is not Severity.INFO:
            by_row[finding.row_id].append(finding)
    alone = {record.row_id: _alone(by_row[record.row_id], active) for record in records}
    duplicates = _duplicates(records, by_row, alone, active)

    rows: list[LedgerRow] = []
    repaired: dict[str, Record] = {}
    for record in records:
        fate, reasons = alone[record.row_id]
        duplicate = duplicates.get(record.row_id)
        if fate is not Fate.KEPT:
            rows.append(LedgerRow(record.row_id, record.id, record.source, fate, reasons))
        elif duplicate is not None:
            reasons = (duplicate.check,)
            rows.append(
                LedgerRow(
                    record.row_id, record.id, record.source, duplicate.fate, reasons, kept_row_id=duplicate.kept_row_id
                )
            )
        else:
            rows.append(_repair(record, by_row[record.row_id], active, repaired))
    rows += [LedgerRow(fault.row_id, "", fault.source, Fate.DROPPED, (fault.check,)) for fault in faults]
    return Decided(Ledger(tuple(rows)), repaired)


def _alone(findings: Sequence[Finding], active: Mapping[str, ActiveCheck]) -> tuple[Fate, tuple[str, ...]]:
    """The fate of a row from what was found in it alone, duplicates and repairs left aside."""
    reasons: dict[Fate, list[str]] = {Fate.DROPPED: [], Fate.HELD: []}
    for finding in findings:
        if finding.check == CHECK_FAILED:
            reasons[Fate.HELD].append(CHECK_FAILED)
            continue
        item = active[finding.check]
        if not item.check.keeps_one and item.decision in _FATE:
            reasons[_FATE[item.decision]].append(finding.check)
    for fate, names in reasons.items():
        if names:
            return fate, tuple(dict.fromkeys(names))
    return Fate.KEPT, ()


def _duplicates(
    records: Sequence[Record],
    by_row: Mapping[str, list[Finding]],
    alone: Mapping[str, tuple[Fate, tuple[str, ...]]],
    active: Mapping[str, ActiveCheck],
) -> dict[str, _Duplicate]:
    """{row id: what it duplicates} for each row that does not stay. Clusters of all tiers are taken together."""
    position = {record.row_id: index for index, record in enumerate(records)}
    clusters: UnionFind[tuple[str, str]] = UnionFind()
    tiers: dict[str, list[ActiveCheck]] = defaultdict(list)
    for record in records:
        if alone[record.row_id][0] is not Fate.KEPT:
            continue
        for finding in by_row[record.row_id]:
            item = active.get(finding.check)
            if item is not None and item.check.keeps_one and item.decision in _FATE and finding.group is not None:
                clusters.join(("row", record.row_id), (finding.check, finding.group))
                tiers[record.row_id].append(item)

    found: dict[str, _Duplicate] = {}
    for cluster in clusters.groups():
        rows = sorted((name for kind, name in cluster if kind == "row"), key=position.__getitem__)
        kept = max(rows, key=lambda row: (*_rank(records[position[row]], by_row[row]), -position[row]))
        for row in rows:
            if row != kept:
                strongest = min(tiers[row], key=lambda item: (item.decision is not Decision.DROP, item.name))
                found[row] = _Duplicate(_FATE[strongest.decision], strongest.name, kept)
    return found


def _rank(record: Record, findings: Iterable[Finding]) -> tuple[bool, int, bool]:
    complete = not any(finding.check in INCOMPLETE for finding in findings)
    return complete, len(record.answer.strip()), record.origin == "human"


def _repair(
    record: Record, findings: Sequence[Finding], active: Mapping[str, ActiveCheck], repaired: dict[str, Record]
) -> LedgerRow:
    """Applies the repairs asked for, one after the other; a row that one of them leaves as it was is held."""
    reasons: list[str] = []
    changed = record
    for name in dict.fromkeys(finding.check for finding in findings):
        item = active.get(name)
        if item is None or item.decision is not Decision.REPAIR or item.check.repair is None:
            continue
        before = changed.id
        changed = item.check.repair(changed)
        if changed.id == before:
            return LedgerRow(record.row_id, record.id, record.source, Fate.HELD, (name,))
        reasons.append(name)
    if not reasons:
        return LedgerRow(record.row_id, record.id, record.source, Fate.KEPT)
    repaired[record.row_id] = changed
    return LedgerRow(record.row_id, record.id, record.source, Fate.REPAIRED, tuple(reasons), new_record_id=changed.id)
