"""What waits for a person after `assay curate`: what is held, suspected labels, and the records drawn to be read.

The same decisions as in held.csv and to_read.csv, about the same subjects. Duplicates that curate dropped by rule are
there where they are asked for. A run of 50,000 findings opens with a look at a few columns; a record, and the evidence
against it, are read when it is shown.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from assay.errors import SourceError
from assay.findings import Finding, Severity
from assay.records import Record, Source
from assay.reviews.item import Item
from assay.reviews.queue import ANY, CONTRADICTION, DUPLICATE, HELD, KINDS, LABEL, READ, Key
from assay.reviews.review import READING, Subject, digest_of_evidence, group_digest

from ..web.places import column, find, findings_at, records_at
from .showing import Other, item_of

CONTRADICTIONS = ("contradiction", "conflicting_answers")
EXACT = "exact_duplicate"
"""Copies of it have nothing to compare, and one decision, by content, is about all of them."""

DUPLICATES = (
    "edited_duplicate",
    "reworded_answer",
    "same_meaning",
    "near_duplicate",
    "normalised_duplicate",
    EXACT,
)
"""Checks that keep one row of a cluster; the first that found something says beside which record it is shown."""

LABELS = ("label_noise",)
FILES = ("held.parquet", "dropped.parquet", "data.parquet")
"""Where a record is looked for: most of what waits is held, and of a million the kept ones are the most."""

RANKS = {name: place for place, name in enumerate((*CONTRADICTIONS, *DUPLICATES, *LABELS))}
KIND_OF = {
    **dict.fromkeys(CONTRADICTIONS, CONTRADICTION),
    **dict.fromkeys(DUPLICATES, DUPLICATE),
    **dict.fromkeys(LABELS, LABEL),
}
SHOWN_OTHERS = 3
"""Members of a group that are shown beside one of them."""


@dataclass(frozen=True)
class Found:
    """The findings, without evidence: columns of findings.parquet, and for each row which of them are about it.

    of_row    {row id: positions of findings that are more than a fact}
    of_group  {(check, group): positions, facts included}
    """

    checks: list[str]
    severities: list[str]
    record_ids: list[str]
    row_ids: list[str]
    groups: list[str | None]
    of_row: Mapping[str, Sequence[int]]
    of_group: Mapping[tuple[str, str], Sequence[int]]


@dataclass(frozen=True)
class CurateQueue:
    """Of a run of curate, or the folder that -o named."""

    folder: Path
    found: Found
    held: frozenset[str]
    dropped: frozenset[str]
    drawn: Sequence[str]
    _subjects: dict[str, tuple[Subject, ...]] = field(default_factory=dict)
    _groups: dict[tuple[str, str], str] = field(default_factory=dict)

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
        named = f"{self.found.checks[first]} {group}" if group is not None else ""
        return Key(row, self.found.record_ids[first], kind, checks, named, settled), first

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
        own = self.found.of_row.get(key.name, ())
        record_of: dict[str, str] = {}
        for index in own:
            for other in self.members(index):
                record_of[self.found.row_ids[other]] = self.found.record_ids[other]
        return tuple(dict.fromkeys(self._subject(index, record_of) for index in own)) or (Subject(key.record_id),)

    def _subject(self, index: int, record_of: Mapping[str, str]) -> Subject:
        """As `replay.subjects_of` names it; rows that evidence may name are those of the same groups.

        From columns that stay in memory: when much has been decided, this is asked of all of it.
        """
        path, found = self.folder / "findings.parquet", self.found
        quoted = column(path, "span_text")[index].as_py() or ""
        evidence = column(path, "evidence")[index].as_py()
        group = found.groups[index]
        named = "" if group is None else self._group_digest((found.checks[index], group))
        shown = digest_of_evidence(quoted, json.loads(evidence), record_of)
        return Subject(found.record_ids[index], found.checks[index], named, shown)

    def _group_digest(self, group: tuple[str, str]) -> str:
        found = self._groups.get(group)
        if found is None:
            own = [self.found.record_ids[index] for index in self.found.of_group[group]]
            found = self._groups[group] = group_digest(own)
        return found

    def members(self, index: int) -> Sequence[int]:
        """Positions of the findings of the same group, its own included."""
        group = self.found.groups[index]
        return (index,) if group is None else self.found.of_group[self.found.checks[index], group]

    def findings(self, key: Key) -> list[Finding]:
        """What speaks against a record. Raises SourceError."""
        return _read(self.folder / "findings.parquet", self.found.of_row.get(key.name, ()))

    def record(self, name: str, column_name: str = "row_id") -> Record | None:
        """None where it is in no file of the run any more."""
        order = ("data.parquet",) if column_name == "record_id" else FILES
        place = find(self.folder, name, column_name, order)
        return None if place is None else next(iter(records_at([place])), None)

    def item(self, key: Key) -> Item:
        """Raises SourceError for a record that is in no file of the run."""
        record = self.record(key.name, "record_id" if key.kind == READ else "row_id")
        found = [] if key.kind == READ else sorted(self.findings(key), key=lambda finding: _weight(key, finding))
        if record is None:
            record = _lost(key, found)
        others = list(self._others(key))
        return item_of(key, record, found, self.subjects(key), others, self.spelling)

    def _others(self, key: Key) -> Iterator[Other]:
        """Those of its group, the ones that its findings name first."""
        own = self.found.of_row.get(key.name, ())
        inside = [index for index in own if f"{self.found.checks[index]} {self.found.groups[index]}" == key.group]
        rows = [self.found.row_ids[other] for index in inside for other in self.members(index)]
        named = [str(f.evidence.get("other")) for f in self.findings(key) if isinstance(f.evidence.get("other"), str)]
        ordered = dict.fromkeys([*(row for row in named if row in set(rows)), *rows])
        for row in [row for row in ordered if row != key.name][:SHOWN_OTHERS]:
            fate = "held" if row in self.held else "dropped" if row in self.dropped else "kept"
            yield Other(row, fate, self._source(row), self.record(row))

    def _source(self, row: str) -> str:
        index = next(iter(self.found.of_row.get(row, ())), None)
        if index is None:
            return ""
        finding = next(iter(_read(self.folder / "findings.parquet", [index])), None)
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
    found = _found(folder / "findings.parquet")
    return CurateQueue(folder, found, held, _dropped(folder, found), _drawn(folder / "to_read.csv"))


def _found(path: Path) -> Found:
    checks, severities, record_ids, row_ids, groups = (
        column(path, name).to_pylist() for name in ("check", "severity", "record_id", "row_id", "group")
    )
    of_row: dict[str, list[int]] = defaultdict(list)
    of_group: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, (severity, row) in enumerate(zip(severities, row_ids, strict=True)):
        if severity != Severity.INFO:
            of_row[row].append(index)
    for index, group in enumerate(groups):
        if group is not None:
            of_group[checks[index], group].append(index)
    return Found(checks, severities, record_ids, row_ids, groups, of_row, of_group)


def _dropped(folder: Path, found: Found) -> frozenset[str]:
    """Rows that curate dropped, of those that a look at the findings may concern."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = {
        row for row, own in found.of_row.items() if any(found.checks[index] in (*DUPLICATES, *LABELS) for index in own)
    }
    if not named:
        return frozenset()
    dropped = column(folder / "dropped.parquet", "row_id")
    if len(dropped) == 0:
        rows, fates = column(folder / "ledger.parquet", "row_id"), column(folder / "ledger.parquet", "fate")
        dropped = rows.filter(pc.equal(fates, "dropped")) if len(rows) else dropped
    wanted = pa.array(list(named), pa.string())
    return frozenset(dropped.filter(pc.is_in(dropped, value_set=wanted)).to_pylist())


def _read(path: Path, positions: Sequence[int]) -> list[Finding]:
    """Raises SourceError."""
    import pyarrow as pa

    try:
        return findings_at(path, list(positions))
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        fix = "curate it again"
        raise SourceError("cannot be read as findings", where=str(path), fix=fix) from error


def _weight(key: Key, finding: Finding) -> tuple[bool, bool, bool]:
    """What the record waits for stands first, then errors, then what is about it alone: as `_rank` has it."""
    return KIND_OF.get(finding.check) != key.kind, finding.severity != Severity.ERROR, finding.group is not None


def _lost(key: Key, found: Sequence[Finding]) -> Record:
    """A record that the run did not keep: where it is, and no text. Older versions kept no dropped records."""
    source = found[0].source if found else Source("", None, 0)
    return Record(key.record_id, key.name, (), source)


def _drawn(path: Path) -> list[str]:
    """Record ids of the sheet of what is to be read, in its order."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(dict.fromkeys(str(row["record_id"]) for row in csv.DictReader(file)))
