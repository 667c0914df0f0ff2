"""Rows of every format with any part of them replaced, taken out, put in or moved: each is read, or a fault, once."""

from __future__ import annotations

import copy
import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.dataset import Dataset
from assay.errors import AssayError
from assay.formats import FORMATS, write
from assay.sources import ReadSettings, read
from tests.hostile import JSON_VALUE, PIECES, deep, fuzz

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(jsonl|csv) (\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def rows_of(name: str) -> list[Any]:
    """The rows that docs/formats.md shows of a format."""
    rows: list[Any] = []
    for container, own, text in EXAMPLES:
        if own == name:
            lines = text.splitlines()
            rows += list(csv.DictReader(lines)) if container == "csv" else [json.loads(line) for line in lines]
    return rows


AXOLOTL = [
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yes"}], "system": "Be brief."},
    {"segments": [{"label": True, "text": "Hi"}, {"label": False, "text": "Yes"}]},
    {"messages": [{"from": "human", "value": "Hi", "weight": 0}, {"from": "gpt", "value": "Yes", "training": False}]},
    {"instruction": "Add.", "input": "1, 2", "output": "3", "text": "Add. 1, 2 3"},
]  # fmt: skip
SOUND = [row for name in FORMATS for row in rows_of(name)] + AXOLOTL

KEYS = sorted(
    {key for row in SOUND for key in row} | {"role", "content", "from", "value", "tool_calls", "function", "name"}
)
TEXTS = st.text(max_size=8) | st.sampled_from(PIECES)
ODD = st.one_of(
    JSON_VALUE,
    TEXTS,
    st.sampled_from([[], {}, "", None, 0, -1, True, 1e308, [None], [[]], [{}], {"": {}}, "[]", "{}", "null"]),
    st.sampled_from(["[{", '{"name": 1}', '[{"role": "user"}]', "NaN", "1e999", {"type": "image_url"}]),
    st.builds(lambda text: [{"type": "text", "text": text}, {"type": "text"}, text, {"text": [text]}], TEXTS),
    st.integers(20, 120).map(deep),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every part of a row."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


@st.composite
def changed_rows(draw: st.DrawFn) -> Any:
    """A sound row with up to three changes."""
    row: Any = copy.deepcopy(draw(st.sampled_from(SOUND)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(row)))
        if not place:
            continue
        holder = row
        for key in place[:-1]:
            holder = holder[key]
        own, odd = copy.deepcopy((holder[place[-1]], draw(ODD)))
        change = draw(st.sampled_from(["replace", "replace", "take out", "twice", "put in"]))
        if change == "replace":
            holder[place[-1]] = odd
        elif change == "take out":
            del holder[place[-1]]
        elif isinstance(holder, list):
            holder.insert(place[-1], own if change == "twice" else odd)
        else:
            holder[draw(st.sampled_from(KEYS) | TEXTS)] = odd if change == "put in" else own
    return row


def read_or_refused(path: Path, format_name: str = "auto") -> Dataset | None:
    try:
        data = read([str(path)], ReadSettings(format=format_name, preference=True))
    except AssayError as error:
        assert "\n" not in str(error) and len(str(error)) < 2000
        return None
    assert data.rows_read == len(data.row_ids()) == len(set(data.row_ids()))
    assert all("\n" not in fault.message for fault in data.faults)
    return data


def test_the_rows_that_are_changed_below_are_of_every_format() -> None:
    assert all(rows_of(name) for name in FORMATS)


@fuzz(250)
@given(rows=st.lists(changed_rows(), min_size=1, max_size=4), format_name=st.sampled_from(["auto", "auto", *FORMATS]))
def test_changed_rows_are_read_or_faults(tmp_path: Path, rows: list[Any], format_name: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = read_or_refused(path, format_name)
    if data is None:
        return
    again = read_or_refused(path, format_name)
    assert again is not None and again.table == data.table and again.faults == data.faults
    lines = {record.source.line for record in data.records()} | {fault.source.line for fault in data.faults}
    grouped = "message_table" in (format_name, *data.notes) or any("one message a row" in note for note in data.notes)
    assert grouped or lines == set(range(1, len(rows) + 1))


@fuzz(60)
@given(rows=st.lists(changed_rows(), min_size=1, max_size=3), name=st.sampled_from(list(FORMATS)))
def test_what_was_read_is_written_and_read_again_as_it_was(tmp_path: Path, rows: list[Any], name: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = read_or_refused(path)
    if data is None or not len(data):
        return
    out = tmp_path / "out.jsonl"
    out.unlink(missing_ok=True)
    try:
        write(data, out, name)
    except AssayError as error:
        assert "\n" not in str(error) and not out.exists()
        return
    back = read_or_refused(out, name)
    assert back is not None and not back.faults
    assert [record.id for record in back.records()] == [record.id for record in data.records()]


@pytest.mark.parametrize("name", FORMATS)
def test_any_value_in_any_column_of_a_format(tmp_path: Path, name: str) -> None:
    odd = (
        None,
        5,
        1e308,
        True,
        [],
        {},
        "",
        " ",
        [None],
        [[]],
        {"a": {}},
        "\ud800",
        "x\0y",
        [{"role": "user"}],
        "[1",
        2**70,
    )
    rows = [
        row | {column: value} for row in rows_of(name) for column in row for value in odd
    ]  # each example with one column made odd
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for format_name in ("auto", name):
        data = read_or_refused(path, format_name)
        assert data is not None
        assert name == "message_table" or data.rows_read >= len(rows)
