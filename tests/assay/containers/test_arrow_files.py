"""Parquet, Arrow and Feather."""

import datetime
import decimal
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from assay.containers.arrow_files import arrow_rows, parquet_rows
from assay.errors import SourceError

TABLE = pa.table({"text": ["a", None], "n": [1, 2]})
ROWS = [{"text": "a", "n": 1}, {"text": None, "n": 2}]


def test_parquet(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "x.parquet")
    found = list(parquet_rows(tmp_path / "x.parquet", "x"))
    assert [row.value for row in found] == ROWS
    assert [(row.line, row.row) for row in found] == [(None, 0), (None, 1)]


@pytest.mark.parametrize("layout", ["file", "stream", "feather"])
def test_arrow_in_each_layout(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "x.arrow"
    if layout == "feather":
        pyarrow.feather.write_feather(TABLE, path)
    else:
        new = pa.ipc.new_file if layout == "file" else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as sink, new(sink, TABLE.schema) as writer:
            writer.write_table(TABLE)
    assert [row.value for row in arrow_rows(path, "x")] == ROWS


def test_nulls_that_arrow_fills_into_objects_go_and_other_types_become_json(tmp_path: Path) -> None:
    table = pa.table(
        {
            "messages": [[{"role": "user", "content": "a", "name": None}]],
            "at": [datetime.datetime(2026, 1, 2, 3, 4)],
            "price": [decimal.Decimal("1.50")],
            "raw": [b"\x00\x01"],
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    (row,) = parquet_rows(tmp_path / "x.parquet", "x")
    assert row.value == {
        "messages": [{"role": "user", "content": "a"}],
        "at": "2026-01-02T03:04:00",
        "price": "1.50",
        "raw": "AAE=",
    }


def test_class_labels_become_their_names(tmp_path: Path) -> None:
    features = {"label": {"names": ["refund", "delivery"], "_type": "ClassLabel"}, "text": {"_type": "Value"}}
    schema = pa.schema([("text", pa.string()), ("label", pa.int64())]).with_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    pq.write_table(pa.table({"text": ["a", "b"], "label": [1, -1]}, schema=schema), tmp_path / "x.parquet")
    assert [row.value["label"] for row in parquet_rows(tmp_path / "x.parquet", "x")] == ["delivery", -1]


def test_invalid_utf_8_in_a_cell_is_the_fault_of_its_row_alone(tmp_path: Path) -> None:
    cells = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\3\0\0\0\4\0\0\0"), pa.py_buffer(b"a\xff\xfeb")]
    )
    pq.write_table(pa.table({"text": cells}), tmp_path / "x.parquet")
    first, faulty, last = parquet_rows(tmp_path / "x.parquet", "x")
    assert (first.value, last.value) == ({"text": "a"}, {"text": "b"})
    assert faulty.fault is not None
    assert "invalid UTF-8" in faulty.fault


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({f"c{index}": ["x"] for index in range(10_000)}), tmp_path / "x.parquet")
    (row,) = parquet_rows(tmp_path / "x.parquet", "x")
    assert len(row.value) == 10_000


@pytest.mark.parametrize("read", [parquet_rows, arrow_rows])
@pytest.mark.parametrize("data", [b"PAR1 this is none", b"ARROW1\x00\x00 nor this", b'{"a": 1}'])
def test_what_is_no_table_is_one_line(tmp_path: Path, read: object, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert callable(read)
    with pytest.raises(SourceError) as raised:
        list(read(tmp_path / "x", "x"))
    assert "\n" not in str(raised.value)


def test_a_stream_that_breaks_off_ends_in_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, TABLE.schema) as writer:
        for _ in range(3):
            writer.write_table(TABLE)
    path.write_bytes(path.read_bytes()[:-200])
    found = list(arrow_rows(path, "x"))
    assert found[-1].fault is not None
    assert "breaks off" in found[-1].fault
    assert [row.row for row in found] == list(range(len(found)))


def test_a_table_without_rows_is_one_line(tmp_path: Path) -> None:
    pq.write_table(TABLE.slice(0, 0), tmp_path / "x.parquet")
    with pytest.raises(SourceError, match="no rows"):
        list(parquet_rows(tmp_path / "x.parquet", "x"))


def test_rows_of_megabytes_become_objects_a_few_at_a_time(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["x" * 1_000_000] * 100}), tmp_path / "x.parquet")
    tracemalloc.start()
    try:
        rows = sum(len(row.value["text"]) == 1_000_000 for row in parquet_rows(tmp_path / "x.parquet", "x"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == 100
    assert peak < 40_000_000


def test_invalid_text_is_the_fault_of_its_row_in_rows_of_megabytes_too(tmp_path: Path) -> None:
    long = b"x" * 1_000_000
    cells = [long] * 40
    cells[30] = b"\xff" + long
    binary = pa.array(cells, pa.binary())
    text = pa.Array.from_buffers(pa.string(), len(cells), binary.buffers())
    pq.write_table(pa.table({"text": text}), tmp_path / "x.parquet")
    found = list(parquet_rows(tmp_path / "x.parquet", "x"))
    assert [row.row for row in found if row.fault] == [30]
    assert [row.row for row in found] == list(range(40))
