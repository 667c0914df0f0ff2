"""What is known of every row without its text, and the text that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assay.curate.outputs import write_curated
from assay.curate.stage import curate
from assay.curate.web.columns import columns_of
from assay.curate.web.reading import records, taken
from assay.dataset import Dataset
from assay.errors import SourceError
from assay.findings import Finding, Severity
from assay.records import Record, Source

Make = Callable[..., Record]


@pytest.fixture
def folder(make: Make, tmp_path: Path) -> Path:
    """Kept, held, dropped and repaired rows in turn, and one that could not be read."""
    rows = []
    for number in range(12):
        rows.append(make(f"What is the name of thing number {number}?", f"Its name is w{number}."))
        rows.append(make(f"Where is thing {number}?", "" if number % 2 else "[insert answer here]"))
        rows.append(make("When is it?", f"On {number + 1} May.", origin="synthetic"))
    fault = Finding("unreadable_row", Severity.ERROR, "the JSON breaks off", "", "f" * 16, Source("a.jsonl", 99, 98))
    write_curated(curate(Dataset.from_records(rows, [fault])), tmp_path / "out")
    return tmp_path / "out"


def test_every_row_of_the_ledger_has_its_own_text(folder: Path) -> None:
    columns = columns_of(folder)
    ledger = pq.read_table(folder / "ledger.parquet").to_pylist()
    found = records(columns, range(len(columns)))
    assert {row["fate"] for row in ledger} >= {"kept", "held", "dropped"}
    assert len(found) == len(ledger) - 1
    for position, row in enumerate(ledger):
        assert columns.fates.of(position) == row["fate"]
        assert columns.has_text(position) is (position in found)
        if position in found:
            assert found[position].row_id == row["row_id"]
            assert columns.origins.of(position) == found[position].origin
            assert columns.splits.of(position) == found[position].split


def test_rows_come_in_the_order_that_is_asked_for(folder: Path) -> None:
    ids = pq.read_table(folder / "data.parquet").column("row_id").to_pylist()
    assert taken(folder / "data.parquet", [5, 0, 3], ("row_id",)).column("row_id").to_pylist() == [
        ids[5],
        ids[0],
        ids[3],
    ]


def test_findings_stand_with_their_rows(folder: Path) -> None:
    columns = columns_of(folder)
    ids = columns.row_ids().to_pylist()
    told = set()
    for position in range(len(columns)):
        said = columns.found.of(position)
        told |= {(ids[position], columns.found.checks.of(row)) for row in range(said.start, said.stop)}
    wanted = pq.read_table(folder / "findings.parquet").to_pylist()
    assert told == {(row["row_id"], row["check"]) for row in wanted}
    assert columns.found.checks.counts() != {}


def test_a_run_of_an_older_version_keeps_no_text_of_what_it_dropped(folder: Path) -> None:
    (folder / "dropped.parquet").unlink()
    columns = columns_of(folder)
    dropped = [place for place in range(len(columns)) if columns.fates.of(place) == "dropped"]
    assert dropped and not any(columns.has_text(place) for place in dropped)
    assert len(records(columns, range(len(columns)))) == len(columns) - len(dropped)


def test_a_folder_without_a_ledger_is_its_files(folder: Path) -> None:
    (folder / "ledger.parquet").unlink()
    columns = columns_of(folder)
    found = records(columns, range(len(columns)))
    assert len(found) == len(columns) == sum(columns.fates.counts().values())
    assert columns.sources.counts() == {"a.jsonl": len(columns)}
    assert [found[place].row_id for place in sorted(found)] == columns.row_ids().to_pylist()


def test_files_of_two_runs_are_refused_in_one_line(folder: Path) -> None:
    data = Dataset.read_parquet(folder / "data.parquet")
    data.head(3).write_parquet(folder / "data.parquet")
    with pytest.raises(SourceError, match=r"data\.parquet has 3 rows where ledger\.parquet names"):
        columns_of(folder)


def test_a_file_that_is_no_parquet_is_refused_in_one_line(folder: Path) -> None:
    (folder / "held.parquet").write_bytes(b"no table")
    with pytest.raises(SourceError, match="cannot be read"):
        columns_of(folder)
