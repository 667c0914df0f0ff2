"""What waits for a person after `assay curate`: what is held, suspected labels, and the records drawn to be read.

The same decisions as in held.csv and to_read.csv, about the same subjects. Duplicates that curate dropped by rule are
there where they are asked for. A run of 50,000 findings opens with a look at a few columns; a record, and the evidence
against it, are read when it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from assay.errors import SourceError
from assay.findings import Finding, Severity
from assay.records import Record, Source
from assay.reviews.item import Item
from assay.reviews.queue import (
    ANY,
    CONTRADICTION,
    DUPLICATE,
    HELD,
    KINDS,
    LABEL,
    READ,
    SIDE_BY_SIDE,
    Key,
    Side,
)
from assay.reviews.review import READING, Subject
from assay.reviews.standing import Standing

from ..web.places import column, find, records_at
from .found import Found, drawn_in, dropped_in, findings_of, found_in
from .kinds import CONTRADICTIONS, DUPLICATES, EXACT, LABELS
from .naming import Naming
from .showing import Other, item_of

FILES = ("held.parquet", "dropped.parquet", "data.parquet")
"""Where a record is looked for: most of what waits is held, and of a million the kept ones are the most."""

COMPARED = tuple(name for name in DUPLICATES if name != EXACT)
RANKS = {name: place for place, name in enumerate((*CONTRADICTIONS, *COMPARED, *LABELS))}
KIND_OF = {
    **dict.fromkeys(CONTRADICTIONS, CONTRADICTION),
    **dict.fromkeys(COMPARED, DUPLICATE),
    **dict.fromkeys(LABELS, LABEL),
}
"""A held row that has an identical copy waits for what holds it: see EXACT."""

SHOWN_OTHERS = 3
"""Members of a group that wait for nobody, shown beside those that do."""

MOST_SIDES = 6
"""Records on one screen; of a larger group the screens follow one another."""


@dataclass(frozen=True)
class CurateQueue:
    """Of a run of curate, or the folder that -o named."""

    folder: Path
    found: Found
    held: frozenset[str]
    dropped: frozenset[str]
    drawn: Sequence[str]
    naming: Naming
    _subjects: dict[str, tuple[Subject, ...]] = field(default_factory=dict)
    _sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    _known: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def keys(self) -> Sequence[Key]:
        """By kind, then in the order of the findings, members of a group one after the other."""
        order = {kind: place for place, kind in enumerate(KINDS)}
        firsts: dict[tuple[str, str], int] = {}
        placed = []
        for row, own in self.found.of_row.items():
            key, first = self._key(row, own)
            if key is not None:
                at = firsts.setdefault((key.kind, key.group or row), first)
                placed.append(((order[key.kind], at, first), key))
        placed.sort(key=lambda entry: entry[0])
        silent = [Key(row, self._record_ids[row], HELD) for row in self._record_ids if row not in self.found.of_row]
        drawn = [Key(record_id, record_id, READ, (READING,)) for record_id in self.drawn]
        return [*(key for _, key in placed), *silent, *drawn]

    @cached_property
    def _record_ids(self) -> Mapping[str, str]:
        """{row id: record id} of the held ones"""
        path = self.folder / "held.parquet"
        return dict(zip(column(path, "row_id").to_pylist(), column(path, "record_id").to_pylist(), strict=True))

    @cached_property
    def _by_name(self) -> Mapping[str, Key]:
        return {key.name: key for key in self.keys}

    def key(self, name: str) -> Key | None:
        own = self._by_name.get(name)
        if own is not None:
            return own
        place = find(self.folder, name, files=FILES)
        if place is None:
            return None
        drawn = self._by_name.get(column(place.path, "record_id")[place.row].as_py())
        if drawn is not None:
            return drawn
        checks = tuple(dict.fromkeys(self.found.checks[index] for index in self.found.of_row.get(name, ())))
        return Key(name, column(place.path, "record_id")[place.row].as_py(), ANY, checks)

    def has_record(self, record_id: str) -> bool:
        known = self._known.get(record_id)
        if known is None:
            known = self._known[record_id] = self._has(record_id)
        return known

    def _has(self, record_id: str) -> bool:
        """In the ledger stand the ids before a person's edit; a folder without one has the records alone."""
        files = ("ledger.parquet", *FILES)
        places = (
            find(self.folder, record_id, "record_id", files),
            find(self.folder, record_id, "new_record_id", files[:1]),
        )
        return any(place is not None for place in places)

    def _key(self, row: str, own: Sequence[int]) -> tuple[Key | None, int]:
        """Of a row that waits or may be looked at, and the finding that says why; else no key."""
        checks = tuple(dict.fromkeys([self.found.checks[index] for index in own]))
        is_held = row in self.held
        settled = not is_held and row in self.dropped and EXACT not in checks and set(checks) <= set(DUPLICATES)
        if not is_held:
            wanted = DUPLICATES if settled else () if row in self.dropped else LABELS
            own = [index for index in own if self.found.checks[index] in wanted]
            if not own:
                return None, 0
        first = own[0] if len(own) == 1 else min(own, key=self._rank)
        kind = KIND_OF.get(self.found.checks[first], HELD)
        group = self.found.groups[first]
        if group is None:
            return Key(row, self.found.record_ids[first], kind, checks, "", settled), first
        check = self.found.checks[first]
        size = self._size((check, group)) if kind in SIDE_BY_SIDE else 1
        return Key(row, self.found.record_ids[first], kind, checks, f"{check} {group}", settled, size), first

    def _size(self, group: tuple[str, str]) -> int:
        """Different records in it."""
        found = self._sizes.get(group)
        if found is None:
            found = self._sizes[group] = len({self.found.record_ids[index] for index in self.found.of_group[group]})
        return found

    def _rank(self, index: int) -> tuple[int, bool, bool, int]:
        """What a record waits for before all: the kinds in their order, then errors, then what is about it alone."""
        rank = RANKS.get(self.found.checks[index], len(RANKS))
        return rank, self.found.severities[index] != Severity.ERROR, self.found.groups[index] is not None, index

    def subjects(self, key: Key) -> tuple[Subject, ...]:
        found = self._subjects.get(key.name)
        if found is None:
            found = self._subjects[key.name] = self._read_subjects(key)
        return found

    def _read_subjects(self, key: Key) -> tuple[Subject, ...]:
        if key.kind == READ:
            return (Subject(key.record_id, READING),)
        if key.kind == ANY:
            return (Subject(key.record_id),)
        named = self.naming.of_row(key.name)
        return tuple(dict.fromkeys(named.values())) or (Subject(key.record_id),)

    def findings(self, key: Key) -> list[Finding]:
        """What speaks against a record. Raises SourceError."""
        return findings_of(self.folder / "findings.parquet", self.found.of_row.get(key.name, ()))

    def record(self, name: str, column_name: str = "row_id") -> Record | None:
        """None where it is in no file of the run any more."""
        order = ("data.parquet",) if column_name == "record_id" else FILES
        place = find(self.folder, name, column_name, order)
        return None if place is None else next(iter(records_at([place])), None)

    def item(self, key: Key) -> Item:
        """Raises SourceError for a record that is in no file of the run."""
        return next(side.item for side in self.sides(key) if side.key.name == key.name)

    def sides(self, key: Key) -> Sequence[Side]:
        """Contradictions in the order of the data, what nobody is asked about last; of duplicates what is kept first.

        Raises SourceError for a record that is in no file of the run.
        """
        keys = self._together(key)
        found = {one.name: self._weighed(one, key.kind) for one in keys}
        others = {one.name: self._other(one.name) for one in keys} if len(keys) > 1 else {}
        quoting = self._quoting(key, keys)
        return [
            Side(
                one,
                item_of(
                    one,
                    self._record(one, found[one.name]),
                    found[one.name],
                    self.subjects(one),
                    [other for name, other in others.items() if name != one.name] or list(self._others(one)),
                    self.spelling,
                    key.kind,
                    quoting,
                ),
            )
            for one in keys
        ]

    def _together(self, key: Key) -> list[Key]:
        """Itself, and, of a contradiction or of duplicates, the others of the screen: each content once."""
        if key.kind not in SIDE_BY_SIDE or not key.group:
            return [key]
        rows = self._rows_of(key)
        waiting = [row for row in rows if row in self._by_name]
        rest = [row for row in rows if row not in self._by_name]
        named = self._named_as_other(key, [row for row in waiting if len(waiting) <= MOST_SIDES or row == key.name])
        rest = sorted(rest, key=lambda row: (row in self.dropped, row not in named))[:SHOWN_OTHERS]
        room = MOST_SIDES - len(rest)
        at = waiting.index(key.name) // room * room if key.name in waiting else 0
        waiting = waiting[at : at + room]
        order = [*rest, *waiting] if key.kind == DUPLICATE else [*waiting, *rest]
        return [self._by_name.get(row) or self._silent(row) for row in order]

    def _rows_of(self, key: Key) -> list[str]:
        """Of the group, one for each content: its own for its own."""
        row_of = {key.record_id: key.name}
        for index in self._positions(key):
            row_of.setdefault(self.found.record_ids[index], self.found.row_ids[index])
        order = dict.fromkeys(self.found.record_ids[index] for index in self._positions(key))
        return [row_of[record_id] for record_id in order]

    def _positions(self, key: Key) -> Sequence[int]:
        """Of the findings that make its group."""
        check, _, group = key.group.partition(" ")
        return self.found.of_group.get((check, group), ())

    def _named_as_other(self, key: Key, rows: Sequence[str]) -> set[str]:
        """Rows that the evidence about some rows of the group names as what they were compared with."""
        evidence = column(self.folder / "findings.parquet", "evidence")
        wanted = set(rows)
        own = [index for index in self._positions(key) if self.found.row_ids[index] in wanted]
        found = [json.loads(evidence[index].as_py()) for index in own]
        return {str(item["other"]) for item in found if isinstance(item, dict) and isinstance(item.get("other"), str)}

    def _silent(self, row: str) -> Key:
        """Of a row that waits for nobody."""
        index = self._any_position[row]
        checks = tuple(dict.fromkeys(self.found.checks[at] for at in self.found.of_row.get(row, ())))
        return Key(row, self.found.record_ids[index], ANY, checks)

    @cached_property
    def _any_position(self) -> Mapping[str, int]:
        """{row id: position of a finding about it, facts included}"""
        return {row: index for index, row in enumerate(self.found.row_ids)}

    def _weighed(self, key: Key, kind: str) -> list[Finding]:
        if key.kind == READ:
            return []
        return sorted(self.findings(key), key=lambda finding: _weight(kind, finding))

    def _quoting(self, key: Key, keys: Sequence[Key]) -> list[Finding]:
        """Findings of the group about the records of the screen, facts included: what they quote of one another."""
        if len(keys) < 2 or key.kind != CONTRADICTION:
            return []
        shown = {one.name for one in keys}
        own = [index for index in self._positions(key) if self.found.row_ids[index] in shown]
        return findings_of(self.folder / "findings.parquet", own)

    def _record(self, key: Key, found: Sequence[Finding]) -> Record:
        record = self.record(key.name, "record_id" if key.kind == READ else "row_id")
        return record if record is not None else _lost(key, found)

    def _others(self, key: Key) -> Iterator[Other]:
        """Of a record that is decided on by itself, some of its group: those that its findings name first."""
        if key.kind in SIDE_BY_SIDE or key.kind == READ:
            return
        rows = [self.found.row_ids[index] for index in self._positions(key)]
        named = [str(f.evidence.get("other")) for f in self.findings(key) if isinstance(f.evidence.get("other"), str)]
        ordered = dict.fromkeys([*(row for row in named if row in set(rows)), *rows])
        for row in [row for row in ordered if row != key.name][:SHOWN_OTHERS]:
            yield self._other(row)

    def _other(self, row: str) -> Other:
        return Other(row, self._fate(row), self._source(row), self.record(row))

    def fate(self, key: Key) -> str:
        return "kept" if key.kind == READ else self._fate(key.name)

    def evidence_kinds(self, key: Key) -> Sequence[str]:
        kinds = [finding.evidence.get("kind") for finding in self.findings(key)] if key.kind != READ else []
        return list(dict.fromkeys(kind for kind in kinds if isinstance(kind, str)))

    def _fate(self, row: str) -> str:
        return "held" if row in self.held else "dropped" if row in self.dropped else "kept"

    def group(self, key: Key) -> Sequence[Key]:
        """Each content once."""
        if not key.group:
            return [key]
        rows = self._rows_of(key)
        others = [self._by_name[row] for row in rows if row in self._by_name and row != key.name]
        return [key, *others]

    def moot(self, key: Key, standing: Standing) -> frozenset[Subject]:
        return self.naming.moot(key, standing)

    def _source(self, row: str) -> str:
        index = self._any_position.get(row)
        if index is None:
            return ""
        finding = next(iter(findings_of(self.folder / "findings.parquet", [index])), None)
        return "" if finding is None else str(finding.source)

    def spelling(self, label: str) -> str | None:
        """How a plain label is written in the data: findings name labels in lower case, without punctuation."""
        return self._spellings.get(label)

    @cached_property
    def _spellings(self) -> Mapping[str, str]:
        from itertools import islice

        from assay.dataset import Dataset
        from assay.text import normalize

        path = self.folder / "data.parquet"
        if not path.is_file():
            return {}
        import pyarrow.parquet as pq

        out: dict[str, str] = {}
        with pq.ParquetFile(path) as file:
            for batch in islice(file.iter_batches(1024), _SPELLING_BATCHES):
                for record in Dataset.decode(batch):
                    answer = record.answer.strip()
                    if len(answer) <= _LONGEST_LABEL:
                        out.setdefault(normalize(answer), answer)
        return out


_SPELLING_BATCHES = 4
_LONGEST_LABEL = 200


def open_queue(folder: Path) -> CurateQueue:
    """Of a run of curate, or the folder that -o named. Raises SourceError."""
    if not (folder / "held.csv").is_file():
        raise SourceError(
            "has no held.csv: it was curated with --redact, and nobody can judge what is not shown",
            where=str(folder),
            fix="curate it without --redact",
        )
    held = frozenset(column(folder / "held.parquet", "row_id").to_pylist())
    found = found_in(folder / "findings.parquet")
    dropped, drawn = dropped_in(folder, found), drawn_in(folder / "to_read.csv")
    return CurateQueue(folder, found, held, dropped, drawn, Naming(folder, found))


def _weight(kind: str, finding: Finding) -> tuple[bool, bool, bool]:
    """What the record waits for stands first, then errors, then what is about it alone: as `_rank` has it."""
    return KIND_OF.get(finding.check) != kind, finding.severity != Severity.ERROR, finding.group is not None


def _lost(key: Key, found: Sequence[Finding]) -> Record:
    """A record that the run did not keep: where it is, and no text. Older versions kept no dropped records."""
    source = found[0].source if found else Source("", None, 0)
    return Record(key.record_id, key.name, (), source)
