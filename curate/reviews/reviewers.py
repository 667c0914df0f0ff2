"""Who read a generated record: kept in its lineage, and so in every file that it is written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assay.dataset import Dataset
from assay.records import Record
from assay.reviews.review import EDITS, READING, Review, latest
from assay.reviews.sample import is_synthetic, lineage_of

from .replay import replace_rows, rows_with


def with_reviewers(data: Dataset, reviews: Sequence[Review], before: Mapping[str, Record]) -> Dataset:
    """The data with `meta.synth.reviewer`: who found the record right, or wrote it anew.

    before  {row id: the record before a person edited it}
    """
    said = latest(reviews)
    readers = {subject.record_id: review.who for subject, review in said.items() if subject.check == READING}
    writers = {subject.record_id: review.who for subject, review in said.items() if review.verdict in EDITS}
    changed: dict[int, Record] = {}
    if readers:
        changed |= {place: _signed(record, readers[record.id]) for place, record in rows_with(data, readers)}
    edited = {row: record.id for row, record in before.items() if record.id in writers}
    if edited:
        for place, row in zip(data.positions(list(edited)), edited, strict=True):
            if place >= 0:
                [record] = Dataset(data.table.slice(place, 1)).records()
                changed[place] = _signed(record, writers[edited[row]])
    return replace_rows(data, {place: record for place, record in changed.items() if is_synthetic(record)})


def _signed(record: Record, who: str) -> Record:
    return replace(record, meta={**record.meta, "synth": {**lineage_of(record), "reviewer": who or "a person"}})
