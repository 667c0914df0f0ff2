"""No file crashes a reader, whatever bytes it holds: it is read, row by row accounted for, or refused in one line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.dataset import Dataset
from assay.errors import AssayError
from assay.formats import FORMATS
from assay.sources import ReadSettings, read

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
    assert data is not None and len(data) >= 6 and not data.faults


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(list(SOUND)), content=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    read_or_refused(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(name=st.sampled_from(list(SOUND)), data=st.data())
def test_a_sound_file_with_bytes_changed_taken_out_or_put_in(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = bytearray(SOUND[name])
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, max(0, len(content) - 1)))
        length = data.draw(st.integers(0, 12))
        content[position : position + length] = data.draw(st.binary(max_size=8))
    (tmp_path / name).write_bytes(bytes(content))
    read_or_refused(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(rows=st.lists(JSON, min_size=1, max_size=5), format_name=st.sampled_from(["auto", *FORMATS]))
def test_any_json_under_any_format(tmp_path: Path, rows: list[object], format_name: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = read_or_refused(path, format_name)
    assert data is None or data.rows_read >= 1
