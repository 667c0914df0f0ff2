"""What decisions about the rows of a run are about, and which of them need none any more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from assay.reviews.queue import ANY, Key
from assay.reviews.review import EDITS, Subject, Verdict, digest_of_evidence, group_digest
from assay.reviews.standing import Standing

from ..web.places import column
from .found import Found, reasons_in
from .kinds import OPPOSED


@dataclass(frozen=True)
class Naming:
    """Of the folder of a run."""

    folder: Path
    found: Found
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)
    _rows: dict[str, dict[int, Subject]] = field(default_factory=dict)

    def of_row(self, row: str) -> dict[int, Subject]:
        """{position of a finding about the row: what a decision about it is about}"""
        made = self._rows.get(row)
        if made is None:
            own = self.found.of_row.get(row, ())
            members = [other for index in own for other in self.members(index)]
            record_of = {self.found.row_ids[other]: self.found.record_ids[other] for other in members}
            made = self._rows[row] = {index: self._subject(index, record_of) for index in own}
        return made

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
        found = self._digests.get(group)
        if found is None:
            own = [self.found.record_ids[index] for index in self.found.of_group[group]]
            found = self._digests[group] = group_digest(own)
        return found

    def members(self, index: int) -> Sequence[int]:
        """Positions of the findings of the same group, its own included."""
        group = self.found.groups[index]
        return (index,) if group is None else self.found.of_group[self.found.checks[index], group]

    def moot(self, key: Key, standing: Standing) -> frozenset[Subject]:
        """As `replay` has it: of a contradiction or of duplicates nothing else is left in the data as it was.

        Where that was all that held the record, what else was found in it is settled, too: nobody was asked about that.
        """
        own = self.found.of_row.get(key.name, ())
        alone = {index for index in own if self._is_alone(index, standing)}
        if not alone or key.kind == ANY:
            return frozenset()
        named, reasons = self.of_row(key.name), self._reasons.get(key.name)
        if all(index in alone for index in own if reasons is None or self.found.checks[index] in reasons):
            return frozenset(named.values())
        return frozenset(named[index] for index in alone)

    @cached_property
    def _reasons(self) -> Mapping[str, frozenset[str]]:
        """{row id: the checks that held or dropped it}, of the rows that something was found in"""
        return reasons_in(self.folder / "ledger.parquet", self.found)

    def _is_alone(self, index: int, standing: Standing) -> bool:
        """Every other content of the group was dropped or edited by people."""
        if self.found.checks[index] not in OPPOSED:
            return False
        own, found = self.found.record_ids[index], False
        for other in self.members(index):
            record_id = self.found.record_ids[other]
            if record_id != own:
                if not self._is_gone(self.found.row_ids[other], record_id, standing):
                    return False
                found = True
        return found

    def _is_gone(self, row: str, record_id: str, standing: Standing) -> bool:
        """A decision takes its content out of the data; one about a group only as long as it is that group."""
        for subject, review in standing.about(record_id).items():
            if review.verdict in EDITS:
                return True
            if review.verdict in (Verdict.DROP, Verdict.WRONG):
                copies = subject.group == group_digest([record_id])
                if not subject.group or (not copies and subject in self.of_row(row).values()):
                    return True
        return False
