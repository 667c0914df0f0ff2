"""Which records wait for a person: the held ones, members of a group side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

from assay.dataset import Dataset
from assay.findings import Finding, Severity
from assay.records import Record
from assay.reviews.review import READING, Subject

from ..pages.concealment import conceal_record
from .replay import subjects_of
from .sheet import SHEET_ROWS, Entry


def held_entries(held: Dataset, findings: Sequence[Finding], most: int = SHEET_ROWS) -> list[Entry]:
    """Up to `most` held records with what speaks against each, in the order of checks and groups."""
    records = {record.row_id: record for record in islice(held.records(), most)}
    about: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        if finding.row_id in records and finding.severity is not Severity.INFO:
            about[finding.row_id].append(index)
    subjects = subjects_of(findings, {record.id for record in records.values()})
    order = _order(findings, about)
    return [
        _entry(
            records[row],
            tuple(findings[index] for index in about[row]),
            tuple(subjects[index] for index in about[row] if index in subjects),
        )
        for row in sorted(records, key=lambda row: order.get(row, 0))
    ]


def reading_entries(records: Iterable[Record]) -> list[Entry]:
    """Records that were drawn at random, to be read."""
    return [_entry(record, (), (Subject(record.id, READING),)) for record in records]


def _entry(record: Record, findings: tuple[Finding, ...], subjects: tuple[Subject, ...]) -> Entry:
    shown = conceal_record(record)
    return Entry(record, findings, subjects, shown if shown.messages != record.messages else None)


def _order(findings: Sequence[Finding], about: dict[str, list[int]]) -> dict[str, int]:
    """{row id: rank}: by the first group that a row is in, or its first finding, in the order of the findings."""
    firsts: dict[tuple[str, str], int] = {}
    for index in sorted(index for own in about.values() for index in own):
        finding = findings[index]
        firsts.setdefault((finding.check, finding.group or finding.row_id), index)
    return {row: min(_first(findings, own, firsts)) for row, own in about.items() if own}


def _first(findings: Sequence[Finding], own: Iterable[int], firsts: dict[tuple[str, str], int]) -> Iterable[int]:
    return (firsts[findings[i].check, findings[i].group or findings[i].row_id] for i in own)
