"""No text of a record is a formula in a file that somebody opens, and nothing is lost on the way."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.containers.formula_cells import escape, unescape
from assay.dataset import Dataset
from assay.formats import write
from assay.records import Message, Record, Source, record_id, row_id
from assay.sources import read

COMPUTED = ['=HYPERLINK("http://example.org";"x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "'=1"]


@given(st.text(alphabet="'=+-@\t\rab ", max_size=6))
def test_reading_gives_back_what_was_written_and_nothing_begins_as_a_formula(cell: str) -> None:
    assert unescape(escape(cell)) == cell
    assert not escape(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_records_survive_and_cells_are_inert(tmp_path: Path, suffix: str) -> None:
    records = []
    for number, text in enumerate(COMPUTED):
        messages = (Message("user", text), Message("assistant", text))
        source = Source("a", number, number)
        records.append(Record(record_id(messages), row_id("a", number), messages, source))
    before = Dataset.from_records(records)
    path = tmp_path / f"out{suffix}"
    write(before, path, "prompt_completion")
    with path.open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file, delimiter="\t" if suffix == ".tsv" else ",") for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert read([str(path)]).table["record_id"].to_pylist() == before.table["record_id"].to_pylist()
