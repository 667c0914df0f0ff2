"""No file crashes a reader, whatever bytes it holds: it is read, row by row accounted for, or refused in one line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from assay.dataset import Dataset
from assay.errors import AssayError
from assay.formats import FORMATS
from assay.sources import ReadSettings, read
from tests.hostile import fuzz

ROWS = [{"prompt": f"question {number}?", "completion": f"ünswer {number}", "source": "a"} for number in range(6)]
TURNS = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]}] * 4


def _csv() -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["prompt", "completion", "source"])
    writer.writeheader()
    writer.writerows(ROWS)
    return out.getvalue().encode()


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


ODD_TABLE = pa.table(
    {
        "prompt": pa.array(["a?", None, "b?"], pa.large_string()),
        "completion": pa.array(["1", "2", "3"]).dictionary_encode(),
        "when": pa.array([0, None, 2**40], pa.timestamp("us")),
        "amount": pa.array([None, "1.50", "2.25"]).cast(pa.decimal128(9, 2)),
        "bytes": pa.array([b"\xff\x00", None, b""], pa.binary()),
        "nested": pa.array([[{"a": [1, None]}], [], None], pa.list_(pa.struct([("a", pa.list_(pa.int8()))]))),
        "pairs": pa.array([[("k", 1.5)], [], None], pa.map_(pa.string(), pa.float64())),
        "nothing": pa.nulls(3),
        "number": pa.array([float("nan"), float("inf"), -0.0]),
        "span": pa.array([1, None, 3], pa.duration("s")),
    }
)
"""Columns of kinds that no JSON has."""


def _odd_parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(ODD_TABLE, out)
    return out.getvalue()


def _arrow_stream() -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, ODD_TABLE.schema) as writer:
        writer.write_table(ODD_TABLE)
    return out.getvalue()


def _arrow() -> bytes:
    table, out = pa.Table.from_pylist(ROWS), io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


LINES = "".join(json.dumps(row) + "\n" for row in [*ROWS, *TURNS]).encode()
SOUND = {
    "a.jsonl": LINES,
    "a.json": json.dumps(ROWS).encode(),
    "a.csv": _csv(),
    "a.tsv": _csv().replace(b",", b"\t"),
    "a.parquet": _parquet(),
    "a.arrow": _arrow(),
    "a.jsonl.gz": gzip.compress(LINES),
    "a.ndjson": LINES,
    "a.json.zst": zstandard.compress(json.dumps({"data": ROWS}).encode()),
    "a.csv.gz": gzip.compress(_csv().replace(b",", b";")),
    "a.parquet.zst": zstandard.compress(_parquet()),
    "odd.parquet": _odd_parquet(),
    "odd.arrow": _arrow_stream(),
    "a.feather": _arrow(),
}

KNOWN = [
    *("messages", "conversations", "role", "from", "content", "value", "prompt", "completion", "instruction", "input"),
    *("output", "response", "chosen", "rejected", "label", "tools", "tool_calls", "function", "system", "text", "id"),
]
NAMES = st.sampled_from(KNOWN) | st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def read_or_refused(path: Path, format_name: str = "auto") -> Dataset | None:
    try:
        data = read([str(path)], ReadSettings(format=format_name, preference=True))
    except AssayError as error:
        assert "\n" not in str(error) and len(str(error)) < 2000
        return None
    assert data.rows_read == len(data.row_ids()) == len(set(data.row_ids()))
    list(data.records())
    return data


@pytest.mark.parametrize("name", SOUND)
def test_the_files_that_are_damaged_below_are_sound(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(SOUND[name])
    data = read_or_refused(tmp_path / name)
    assert data is not None and len(data) >= (2 if name.startswith("odd") else 6)
    assert len(data.faults) == (name.startswith("odd"))


@fuzz(80)
@given(name=st.sampled_from(list(SOUND)), content=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    read_or_refused(tmp_path / name)


@fuzz(200)
@given(name=st.sampled_from(list(SOUND)), data=st.data())
def test_a_sound_file_with_bytes_changed_taken_out_or_put_in(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = bytearray(SOUND[name])
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, max(0, len(content) - 1)))
        length = data.draw(st.integers(0, 12))
        content[position : position + length] = data.draw(st.binary(max_size=8))
    (tmp_path / name).write_bytes(bytes(content))
    read_or_refused(tmp_path / name)


@fuzz(200)
@given(rows=st.lists(JSON, min_size=1, max_size=5), format_name=st.sampled_from(["auto", *FORMATS]))
def test_any_json_under_any_format(tmp_path: Path, rows: list[object], format_name: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = read_or_refused(path, format_name)
    assert data is None or data.rows_read >= 1


def saved_to_disk(folder: Path) -> None:
    """As `datasets.Dataset.save_to_disk` leaves it."""
    folder.mkdir(exist_ok=True)
    (folder / "data-00000-of-00001.arrow").write_bytes(SOUND["odd.arrow"])
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": {}}))


def described(folder: Path) -> None:
    """As LLaMA-Factory has it."""
    folder.mkdir(exist_ok=True)
    (folder / "a.json").write_text(json.dumps(ROWS))
    columns = {"prompt": "prompt", "response": "completion"}
    entry = {"file_name": "a.json", "columns": columns, "formatting": "alpaca"}
    entries = {"one": entry, "other": {"file_name": "none.json"}, "hub": {"hf_hub_url": "x/y"}}
    (folder / "dataset_info.json").write_text(json.dumps(entries))


@pytest.mark.parametrize(("make", "rows"), [(saved_to_disk, 3), (described, 6)])
def test_the_folders_that_are_damaged_below_are_sound(make: Callable[[Path], None], rows: int, tmp_path: Path) -> None:
    make(tmp_path / "folder")
    data = read_or_refused(tmp_path / "folder" / "dataset_info.json" if make is described else tmp_path / "folder")
    assert data is not None and data.rows_read == rows


@fuzz(100)
@given(make=st.sampled_from([saved_to_disk, described]), data=st.data())
def test_a_folder_whose_files_are_changed(tmp_path: Path, make: Callable[[Path], None], data: st.DataObject) -> None:
    folder = tmp_path / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    make(folder)
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    if path.suffix == ".json" and data.draw(st.booleans()):
        body = json.loads(path.read_text())
        keys = [*body] if isinstance(body, dict) else [*range(len(body))]
        key = data.draw(st.sampled_from(keys))
        body[key] = (
            data.draw(JSON)
            if not isinstance(body[key], dict)
            else body[key]
            | data.draw(
                st.dictionaries(
                    st.sampled_from(["file_name", "columns", "tags", "formatting", "split", "ranking"]), JSON
                )
            )
        )
        path.write_text(json.dumps(body))
    else:
        content = path.read_bytes()
        cut = data.draw(st.integers(0, len(content)))
        path.write_bytes(content[:cut] + data.draw(st.binary(max_size=20)))
    for named in (folder, folder / "dataset_info.json"):
        read_or_refused(named)
