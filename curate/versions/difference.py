"""What a new version of the data changes: records, fates, findings, splits, labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from assay.dataset import Dataset
from assay.findings import Fate
from assay.records import Json, Record
from assay.split import TRAIN, VALIDATION, labels_of

from ..corpus import Corpus
from .edited import Edit, find_edits
from .version import Version

if TYPE_CHECKING:
    import pyarrow as pa

COMPARED = 20_000
"""Added and removed records that are compared word by word, and records whose labels are counted."""

SAMPLES = 20
_RANK = {str(fate): rank for rank, fate in enumerate((Fate.KEPT, Fate.REPAIRED, Fate.HELD, Fate.DROPPED))}


class Now(NamedTuple):
    """The fate of a record, the best one of its rows."""

    fate: str
    reasons: tuple[str, ...]
    row_id: str


class Change(NamedTuple):
    """Records whose fate is another one now, each with its reasons; ids are some of them.

    edited: their content was edited on the way, and the ids are the new ones
    """

    before: str
    after: str
    edited: bool
    records: int
    ids: tuple[str, ...]


class Move(NamedTuple):
    """Records that are on the other side of the split now. edited: their content was edited on the way."""

    before: str
    after: str
    edited: bool
    records: int
    ids: tuple[str, ...]


class Count(NamedTuple):
    """Of a check, a label or a fate."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Difference:
    """old, new: names. Records are told apart by content; identical copies are one.

    added, removed  without those that are edits
    shown           some of the added and removed ones, and of those with another fate, whose content is known
    compared        whether all of them were looked through for edits
    by_fate         rows, "read" and then each fate; none where a version was not curated
    fates_of        {"unchanged", "edited", "added" or "removed": {fate: records}}: where they are, as they are now
    parted          families whose records are in several families now, and on both sides of the split
    """

    old: str
    new: str
    records: tuple[int, int]
    unchanged: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    edited: tuple[Edit, ...]
    shown: Mapping[str, Record]
    compared: bool
    by_fate: tuple[Count, ...]
    fates_of: Mapping[str, Mapping[str, int]]
    fates: tuple[Change, ...]
    moves: tuple[Move, ...]
    parted: int
    checks: tuple[Count, ...]
    labels: tuple[Count, ...]

    @property
    def leaks(self) -> tuple[Move, ...]:
        """Records that a model of the old version was chosen by, and that the new version trains on."""
        return tuple(move for move in self.moves if move.after == TRAIN)

    def warnings(self) -> list[str]:
        """What somebody who compares scores across the two versions must know."""
        out = []
        for move in self.moves:
            many = move.records != 1
            count = f"{move.records:,} record{'s' if many else ''}"
            what = (
                f"an edit of {'them' if many else 'it'} was" if move.edited else f"{'they were' if many else 'it was'}"
            )
            before = "in the validation split" if move.before == VALIDATION else "trained on"
            after = (
                f"{'are' if many else 'is'} {'trained on' if move.after == TRAIN else 'in the validation split'} now"
            )
            why = (
                "a model of the new version is not to be compared on the old validation split"
                if move.after == TRAIN
                else "a model of the old version knows them"
            )
            out.append(f"{count} {after}, and {what} {before} before: {why}")
        if self.parted:
            out.append(f"families that were parted, and stand on both sides of the split now: {self.parted:,}")
        return out

    def without_text(self) -> Difference:
        """The same without a word of any record; labels are answers."""
        edited = tuple(replace(edit, old=_empty(edit.old), new=_empty(edit.new)) for edit in self.edited)
        shown = {name: _empty(record) for name, record in self.shown.items()}
        return replace(self, edited=edited, shown=shown, labels=())

    def to_json(self) -> dict[str, Json]:
        return {
            "old": self.old,
            "new": self.new,
            "records": list(self.records),
            "unchanged": self.unchanged,
            "added": {"records": len(self.added), "record_ids": list(self.added[:SAMPLES])},
            "removed": {"records": len(self.removed), "record_ids": list(self.removed[:SAMPLES])},
            "edited": {
                "records": len(self.edited),
                "all_compared": self.compared,
                "pairs": [{"old": e.old.id, "new": e.new.id, "how": e.how} for e in self.edited[:SAMPLES]],
            },
            "by_fate": [count._asdict() for count in self.by_fate],
            "fates_of": {name: dict(counts) for name, counts in self.fates_of.items()},
            "fates": [change._asdict() for change in self.fates],
            "moves": [move._asdict() for move in self.moves],
            "families_parted": self.parted,
            "checks": [count._asdict() for count in self.checks],
            "labels": [count._asdict() for count in self.labels],
            "warnings": self.warnings(),
        }


def _empty(record: Record) -> Record:
    return replace(record, messages=(), tools=(), meta={})


def compare(old: Version, new: Version) -> Difference:
    """What `new` changes about `old`."""
    before, after = _fates(old.rows), _fates(new.rows)
    gone = [record_id for record_id in before if record_id not in after]
    come = [record_id for record_id in after if record_id not in before]
    removed, added = _texts(old, gone, before), _texts(new, come, after)
    edits = find_edits(removed, added)
    was, now = (
        _read_as(version, records)
        for version, records in ((old, [edit.old for edit in edits]), (new, [edit.new for edit in edits]))
    )
    of_edits = {*was.values(), *now.values()}
    kept_gone, kept_come = (tuple(name for name in names if name not in of_edits) for names in (gone, come))
    moves, parted = _moves(old.training, new.training, edits)
    curated = old.curated and new.curated
    of_new = [now[edit.new.row_id] for edit in edits]
    pairs = [(name, name, False) for name in before if name in after]
    pairs += [(was[edit.old.row_id], name, True) for edit, name in zip(edits, of_new, strict=True)]
    changes = _changed(before, after, pairs) if curated else ()
    shown = _shown(old, removed) | _shown(new, added) | _of_changes(changes, (old, before), (new, after))
    return Difference(
        old=old.name,
        new=new.name,
        records=(len(before), len(after)),
        unchanged=len(before) - len(gone),
        added=kept_come,
        removed=kept_gone,
        edited=tuple(edits),
        shown=shown,
        compared=len(removed) + len(added) < 2 * COMPARED,
        by_fate=_by_fate(old.rows, new.rows) if curated else (),
        fates_of=_fates_of(before, after, of_new, kept_come, kept_gone) if curated else {},
        fates=changes,
        moves=moves,
        parted=parted,
        checks=_counts(old.checks, new.checks),
        labels=_labels(old.texts, new.texts),
    )


def _by_fate(old: pa.Table, new: pa.Table) -> tuple[Count, ...]:
    """Of rows, those that could not be read among them: read = kept + repaired + held + dropped."""
    before, after = (Counter(rows.column("fate").to_pylist()) for rows in (old, new))
    return (Count("read", old.num_rows, new.num_rows), *(Count(name, before[name], after[name]) for name in _RANK))


def _fates_of(
    before: Mapping[str, Now],
    after: Mapping[str, Now],
    edited: Sequence[str],
    added: Sequence[str],
    gone: Sequence[str],
) -> dict[str, dict[str, int]]:
    """Those that were removed have the fate that they had."""
    unchanged = (after[name].fate for name in before if name in after)
    fates = {
        "unchanged": unchanged,
        "edited": (after[name].fate for name in edited),
        "added": (after[name].fate for name in added),
        "removed": (before[name].fate for name in gone),
    }
    counts = {name: Counter(own) for name, own in fates.items()}
    return {name: {fate: own[fate] for fate in _RANK if own[fate]} for name, own in counts.items()}


def _shown(version: Version, records: Sequence[Record]) -> dict[str, Record]:
    """By their id and by the one that the ledger has for them: a repaired record has another since."""
    read = _read_as(version, records)
    return {name: record for record in records for name in (record.id, read.get(record.row_id, record.id))}


def _of_changes(
    changes: Sequence[Change], old: tuple[Version, Mapping[str, Now]], new: tuple[Version, Mapping[str, Now]]
) -> dict[str, Record]:
    """Records with another fate now; those that are dropped stand in the old version alone."""
    found: dict[str, Record] = {}
    for version, fates in (new, old):
        wanted = [name for change in changes for name in change.ids if name in fates and name not in found]
        found |= _shown(version, _texts(version, wanted, fates))
    return found


def _fates(rows: pa.Table) -> dict[str, Now]:
    """{record id: fate}, without rows that could not be read."""
    found: dict[str, Now] = {}
    columns = (rows.column(name).to_pylist() for name in ("record_id", "fate", "reasons", "row_id"))
    for record_id, fate, reasons, row_id in zip(*columns, strict=True):
        if record_id and (record_id not in found or _RANK.get(fate, 9) < _RANK.get(found[record_id].fate, 9)):
            found[record_id] = Now(fate, tuple(reasons), row_id)
    return found


def _texts(version: Version, record_ids: Sequence[str], fates: Mapping[str, Now]) -> list[Record]:
    """The records whose content is known, up to COMPARED of them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array([fates[record_id].row_id for record_id in record_ids], pa.string())
    positions = np.flatnonzero(pc.is_in(version.texts.table.column("row_id"), value_set=wanted).to_numpy())
    return Corpus(version.texts.table).take(positions[:COMPARED].tolist())


def _read_as(version: Version, records: Sequence[Record]) -> dict[str, str]:
    """{row id: the id that the ledger has for the record}: a repaired one has another since."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array([record.row_id for record in records], pa.string())
    rows = version.rows.filter(pc.is_in(version.rows.column("row_id"), value_set=wanted))
    return dict(zip(rows.column("row_id").to_pylist(), rows.column("record_id").to_pylist(), strict=True))


def _changed(
    before: Mapping[str, Now], after: Mapping[str, Now], pairs: Iterable[tuple[str, str, bool]]
) -> tuple[Change, ...]:
    """pairs: the ids of a record in both versions, and whether it was edited in between."""
    ids: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for old, new, edited in pairs:
        was, now = before[old], after[new]
        if now.fate != was.fate:
            ids[_said(was), _said(now), edited].append(new)
    changes = [Change(*key, len(own), tuple(own[:SAMPLES])) for key, own in ids.items()]
    return tuple(sorted(changes, key=lambda change: (-change.records, change)))


def _said(now: Now) -> str:
    return f"{now.fate} ({', '.join(now.reasons)})" if now.reasons else now.fate


def _moves(old: Dataset, new: Dataset, edits: Iterable[Edit]) -> tuple[tuple[Move, ...], int]:
    """Moves across the split, and the number of old families that are on both sides of it now."""
    was, now = _sides(old), _sides(new)
    ids: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    pairs = [(name, name, False) for name in was if name in now] + [(e.old.id, e.new.id, True) for e in edits]
    sides_of: dict[str, set[str]] = defaultdict(set)
    families_of: dict[str, set[str]] = defaultdict(set)
    for before, after, edited in pairs:
        if before not in was or after not in now:
            continue
        (side, family), (side_now, family_now) = was[before], now[after]
        sides_of[family].add(side_now)
        families_of[family].add(family_now)
        if side != side_now and {side, side_now} == {TRAIN, VALIDATION}:
            ids[side, side_now, edited].append(after)
    moves = [Move(*key, len(own), tuple(own[:SAMPLES])) for key, own in ids.items()]
    parted = sum(len(families_of[name]) > 1 and len(sides) > 1 for name, sides in sides_of.items())
    return tuple(sorted(moves, key=lambda move: (move.after != TRAIN, -move.records))), parted


def _sides(data: Dataset) -> dict[str, tuple[str, str]]:
    columns = (data.table.column(name).to_pylist() for name in ("record_id", "split", "family"))
    return {name: (split, family) for name, split, family in zip(*columns, strict=True)}


def _counts(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Count, ...]:
    """The largest changes first; what has not changed is left out."""
    counts = [Count(name, before.get(name, 0), after.get(name, 0)) for name in {**before, **after}]
    changed = [count for count in counts if count.before != count.after]
    return tuple(sorted(changed, key=lambda count: (-abs(count.after - count.before), count.name)))


def _labels(old: Dataset, new: Dataset) -> tuple[Count, ...]:
    """Of data whose answers are labels; of more records than COMPARED an even sample, counted up."""
    before, after = _label_counts(old), _label_counts(new)
    return _counts(before, after) if before and after else ()


def _label_counts(data: Dataset) -> dict[str, int]:
    if not len(data):
        return {}
    step = -(-len(data) // COMPARED)
    records = Corpus(data.table).take(range(0, len(data), step))
    counts = Counter(labels_of(records) or ())
    return {label or "no label": round(count * len(data) / len(records)) for label, count in counts.items()}
