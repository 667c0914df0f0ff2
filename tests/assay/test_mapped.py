"""A large table lies in an unnamed file, and only what is looked at takes memory."""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from assay.containers.raw import RawRow
from assay.dataset import Dataset
from assay.mapped import HELD_BYTES, Batches, looked_at, release
from assay.records import arrow_schema
from assay.sources.row_reader import BATCH_CHARACTERS, Layout, RowReader

SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.string()), ("parts", pa.list_(pa.string()))])
BATCHES, ROWS, CHARACTERS = 20, 1000, 1000
BYTES = BATCHES * ROWS * CHARACTERS

FileLimit = Callable[[int], None]


def batch(number: int) -> pa.RecordBatch:
    rows = [
        {"number": number * ROWS + row, "text": f"{row:>{CHARACTERS}}", "parts": ["a"] * (row % 3)}
        for row in range(ROWS)
    ]
    return pa.RecordBatch.from_pylist(rows, SCHEMA)


def whole() -> pa.Table:
    return pa.Table.from_batches(map(batch, range(BATCHES)), SCHEMA)


def gathered(held_bytes: int) -> pa.Table:
    batches = Batches(SCHEMA, held_bytes)
    for number in range(BATCHES):
        batches.add(batch(number))
    return batches.finish()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("held_bytes", [0, BYTES // 2, 10 * BYTES])
def test_the_table_is_what_was_put_in(folder: Path, held_bytes: int) -> None:
    table = gathered(held_bytes)
    release()
    assert table.equals(whole())
    table.validate(full=True)


def test_no_batches_make_an_empty_table() -> None:
    assert Batches(SCHEMA).finish().equals(SCHEMA.empty_table())


def test_a_large_one_takes_no_memory_of_arrow_and_a_small_one_no_file(folder: Path) -> None:
    gc.collect()
    before = pa.total_allocated_bytes()
    large = gathered(0)
    assert pa.total_allocated_bytes() - before < BYTES / 10
    small = gathered(10 * BYTES)
    assert pa.total_allocated_bytes() - before > BYTES
    assert large.equals(small)


def test_the_file_has_no_name_that_could_be_left_behind(folder: Path) -> None:
    table = gathered(0)
    assert list(folder.iterdir()) == []
    assert table.num_rows == BATCHES * ROWS


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize("let_go", [release, lambda: looked_at(1_000_000)])
def test_pages_that_were_read_are_given_back(folder: Path, let_go: Callable[[], None]) -> None:
    table = gathered(0)
    release()
    before = mapped_bytes()
    assert sum(map(len, table.column("text").to_pylist())) == BYTES
    assert mapped_bytes() - before > BYTES / 2
    let_go()
    assert mapped_bytes() - before < BYTES / 10
    assert table.slice(19_999).to_pylist()[0]["number"] == 19_999


def test_where_there_is_no_folder_for_it_the_table_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert gathered(0).equals(whole())


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files")
@pytest.mark.parametrize("room", [0, BYTES // 3])
def test_where_the_disk_is_full_the_rest_stays_in_memory(folder: Path, room: int, file_limit: FileLimit) -> None:
    file_limit(room)
    table = gathered(0)
    assert table.equals(whole())


@pytest.fixture
def file_limit() -> Iterator[FileLimit]:
    """Sets the largest size of a file that this process may write; beyond it a write fails as on a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def mapped_bytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss_File:", "Pss_Shmem:")))


def test_read_data_is_the_same_from_a_file_as_from_memory(folder: Path) -> None:
    small, large = read_pairs(5_000), read_pairs(5_000, held_bytes=0)
    assert large.digest == small.digest
    assert list(large.records()) == list(small.records())
    assert large.positions([small.row_ids()[4_999]]) == [4_999]


def test_records_of_megabytes_make_batches_of_few() -> None:
    table = read_pairs(6, "x" * (BATCH_CHARACTERS // 3)).table
    assert max(batch.num_rows for batch in table.to_batches()) <= 3
    assert table.schema == arrow_schema()


def read_pairs(count: int, filling: str = "", held_bytes: int = HELD_BYTES) -> Dataset:
    reader = RowReader(held_bytes)
    rows = ({"prompt": f"question {number}", "completion": f"answer {number} {filling}"} for number in range(count))
    reader.read((RawRow(row, place + 1, place) for place, row in enumerate(rows)), "a.jsonl", "digest", Layout())
    return reader.finish()
