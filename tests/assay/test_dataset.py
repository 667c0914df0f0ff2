"""Rows are found by position, by id and at even steps, whatever batches they stand in."""

from __future__ import annotations

import pytest

from assay.dataset import BATCH_ROWS, Dataset
from assay.records import Message, Record, Source, record_id, row_id

ROWS = 2 * BATCH_ROWS + 500


def record(row: int) -> Record:
    messages = (Message("user", f"question {row}"),)
    return Record(record_id(messages), row_id("test", row), messages, Source("a.jsonl", row + 1, row))


RECORDS = [record(row) for row in range(ROWS)]


@pytest.mark.parametrize("step", [1, 7, BATCH_ROWS, ROWS + 1])
def test_every_so_many_rows(step: int) -> None:
    assert list(Dataset.from_records(RECORDS).every(step)) == RECORDS[::step]


def test_positions_of_row_ids_in_the_order_asked_for() -> None:
    data = Dataset.from_records(RECORDS)
    wanted = [RECORDS[place].row_id for place in (ROWS - 1, 0, BATCH_ROWS, 0)]
    assert data.positions([*wanted, "of no row"]) == [ROWS - 1, 0, BATCH_ROWS, 0, -1]
    assert data.positions([]) == []


def test_rows_by_id_come_in_the_order_of_the_table() -> None:
    data = Dataset.from_records(RECORDS)
    chosen = data.select_rows({RECORDS[9].row_id, RECORDS[3].row_id, "of no row"})
    assert list(chosen.records()) == [RECORDS[3], RECORDS[9]]


def test_content_comes_back_as_it_went_in_lone_surrogates_and_all() -> None:
    odd = [Message("user", "\ud800 \x00 ünï \u2028 🙂"), Message("assistant", None), Message("assistant", "")]
    made = Record(record_id(odd), "row", tuple(odd), Source("a", None, 0))
    assert list(Dataset.from_records([made]).records()) == [made]
