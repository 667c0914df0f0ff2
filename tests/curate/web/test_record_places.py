"""A row is found by its id, whichever file of the run holds it, and read alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.curate.web.places import column, find, record_of, records_at, rows_whose_list_has, rows_with, table_of
from assay.dataset import Dataset
from assay.records import Message, Record, Source, record_id


def made(number: int, parents: tuple[str, ...] = ()) -> Record:
    turns = (Message("user", f"question {number}"), Message("assistant", f"answer {number}"))
    return Record(record_id(turns), f"{number:016x}", turns, Source("a.jsonl", number + 1, number), parents=parents)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    records = [made(number, (made(0).id,) if number in (3, 2500) else ()) for number in range(5000)]
    Dataset.from_records(records[:4000]).write_parquet(tmp_path / "data.parquet")
    Dataset.from_records(records[4000:]).write_parquet(tmp_path / "held.parquet")
    return tmp_path


@pytest.mark.parametrize("number", [0, 3999, 4000, 4999])
def test_a_row_is_found_in_whichever_file_holds_it(folder: Path, number: int) -> None:
    found = record_of(folder, f"{number:016x}")
    assert found is not None
    assert found.messages[0].content == f"question {number}"


def test_a_row_that_is_nowhere_is_none(folder: Path) -> None:
    assert record_of(folder, "ffffffffffffffff") is None
    assert record_of(folder / "nowhere", "0" * 16) is None


def test_several_rows_come_in_the_order_of_the_file(folder: Path) -> None:
    path = folder / "data.parquet"
    assert table_of(path, [3900, 2, 2049]).column("source_row").to_pylist() == [2, 2049, 3900]
    places = [find(folder, f"{number:016x}") for number in (4500, 1)]
    assert [record.source.row for record in records_at([place for place in places if place])] == [4500, 1]


def test_children_are_found_by_what_they_were_made_from(folder: Path) -> None:
    assert rows_whose_list_has(folder / "data.parquet", "parents", made(0).id) == [3, 2500]
    assert rows_whose_list_has(folder / "data.parquet", "parents", "nobody") == []


def test_rows_are_found_by_several_columns_at_once(folder: Path) -> None:
    path = folder / "data.parquet"
    assert rows_with(path, record_id=made(7).id, row_id=f"{7:016x}") == [7]
    assert rows_with(path, record_id=made(7).id, row_id=f"{8:016x}") == []
    assert rows_with(path, no_such_column="x") == []


def test_a_file_that_was_written_again_is_read_again(folder: Path) -> None:
    assert len(column(folder / "held.parquet", "row_id")) == 1000
    Dataset.from_records([made(9000)]).write_parquet(folder / "held.parquet")
    assert column(folder / "held.parquet", "row_id").to_pylist() == [f"{9000:016x}"]


def test_what_is_no_parquet_has_no_rows(folder: Path) -> None:
    (folder / "held.parquet").write_bytes(b"not a table")
    assert len(column(folder / "held.parquet", "row_id")) == 0
    assert record_of(folder, f"{4500:016x}") is None
