"""JSON and JSONL: every row is found, told apart by content, and what is wrong is said with its place."""

import gzip
import json
import random
from pathlib import Path

import pytest
import zstandard

from assay.containers.json_files import json_rows
from assay.containers.raw import RawRow, suffixes
from assay.errors import SourceError

ROWS = [{"a": 1}, {"a": 2}]


def rows(path: Path, data: bytes) -> list[RawRow]:
    path.write_bytes(data)
    return list(json_rows(path, path.name, suffixes(path)[0], lambda value: "a" in value))


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}\n{"a": 2}\n',
        b'{"a": 1}\r\n\r\n{"a": 2}',
        b'\xef\xbb\xbf{"a": 1}\n\xef\xbb\xbf{"a": 2}\n',
        b'[{"a": 1}, {"a": 2}]',
        b'[\n  {"a": 1},\n  {"a": 2}\n]\n',
        b'\xef\xbb\xbf  [{"a": 1},\n{"a": 2}]',
    ],
)
def test_content_decides_what_a_file_is(tmp_path: Path, suffix: str, data: bytes) -> None:
    assert [row.value for row in rows(tmp_path / f"x{suffix}", data)] == ROWS


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"version": 1, "data": [{"a": 1}, {"a": 2}]}', ROWS),
        (b'{"a": [{"b": 1}]}', [{"a": [{"b": 1}]}]),
        (b'{"17": {"a": 1}, "23": {"a": 2}}', [{"key": "17", "a": 1}, {"key": "23", "a": 2}]),
        (b'{"x": 1}', [{"x": 1}]),
        (b"[1, null]", [1, None]),
    ],
)
def test_an_object_may_be_a_row_or_hold_the_rows(tmp_path: Path, data: bytes, found: list[object]) -> None:
    assert [row.value for row in rows(tmp_path / "x.json", data)] == found


def test_lines_are_counted_from_one_and_rows_from_zero_over_blank_lines(tmp_path: Path) -> None:
    found = rows(tmp_path / "x.jsonl", b'\n{"a": 1}\n\n  \n{"a": 2}\n')
    assert [(row.line, row.row) for row in found] == [(2, 0), (5, 1)]


def test_a_list_has_rows_and_no_lines(tmp_path: Path) -> None:
    assert [(row.line, row.row) for row in rows(tmp_path / "x.json", b'[{"a": 1}, {"a": 2}]')] == [(None, 0), (None, 1)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a": "half', "breaks off"),
        (b'{"a": 1, ', "breaks off"),
        (b'{"a": 1} {"a": 2}', "not JSON (Extra data at column 10)"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": "\xff"}', "invalid UTF-8: byte 0xff at position 8"),
        (b'{"a": "\\ud83d"}', "a lone surrogate (\\ud83d)"),
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
        (b'{"a": {"b": "x", "b": "y"}}', "the key 'b' stands twice"),
        (b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}", "nested"),
        (b"[" * 100_000 + b"]" * 100_000, "nested"),
    ],
)
def test_a_faulty_line_is_a_fault_in_its_place_and_costs_no_other_row(tmp_path: Path, line: bytes, said: str) -> None:
    first, faulty, last = rows(tmp_path / "x.jsonl", b'{"a": 1}\n' + line + b'\n{"a": 2}\n')
    assert (first.value, last.value) == ({"a": 1}, {"a": 2})
    assert (faulty.value, faulty.line, faulty.row) == (None, 2, 1)
    assert faulty.fault is not None
    assert said in faulty.fault


def test_a_half_written_last_line_is_a_fault(tmp_path: Path) -> None:
    good, half = rows(tmp_path / "x.jsonl", b'{"a": 1}\n{"a": "The ans')
    assert good.value == {"a": 1}
    assert half.fault == "the JSON breaks off after 14 characters"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": NaN}', "nan"),
        (b'{"a": 123456789012345678901234567890}', "123456789012345678901234567890"),
        (b'{"a": 1e400}', "inf"),
        (b'{"a": "x", "a": "x"}', "x"),
        (b'{"a": "\\"b\\": {\\"c\\": 1}"}', '"b": {"c": 1}'),
    ],
)
def test_values_that_are_unusual_are_read_as_they_stand(tmp_path: Path, data: bytes, value: str) -> None:
    assert str(rows(tmp_path / "x.jsonl", data)[0].value["a"]) == value


def test_a_list_that_breaks_off_gives_the_rows_before_and_one_fault(tmp_path: Path) -> None:
    found = rows(tmp_path / "x.json", b'[\n{"a": 1},\n{"a": 2},\n{"a": "thr')
    assert [row.value for row in found] == [*ROWS, None]
    assert found[-1].fault == "the file breaks off in this row, which begins on line 4"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.jsonl", b"", "empty"),
        ("x.json", b" \n\n", "empty"),
        ("x.json", b"[]", "empty list"),
        ("x.json", b"{}", "no rows"),
        ("x.json", b"42", "no rows"),
        ("x.json", b'"text"', "no rows"),
        ("x.json", b"Dear all,\nnone of this is JSON.\n", "not JSON"),
        ("x.jsonl", b"Dear all,\nnone of this is JSON.\n", "no line of it is JSON: line 1"),
        ("x.jsonl", b'{"a": "half', "no line of it is JSON"),
        ("x.json", b'[{"a": 1},\n{"a" 2},\n{"a": 3}]', "line 2, column 6"),
        ("x.json", b'{"train": [{"b": 1}], "test": [{"b": 2}]}', "several lists of rows (train, test)"),
        ("x.json", '[{"a": 1}]'.encode("utf-16"), "UTF-16"),
        ("x.json", b"\x89PNG\r\n\x1a\n\x00\x00", "no line of it is JSON"),
        ("x.json", b'["\xff"]', "invalid UTF-8"),
        ("x.jsonl.gz", b"no gzip", "compressed data is damaged"),
        ("x.jsonl.zst", b"no zstd", "compressed data is damaged"),
    ],
)
def test_a_file_without_any_json_is_one_line(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    with pytest.raises(SourceError) as raised:
        rows(tmp_path / name, data)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert name in str(raised.value)


def test_a_line_of_fifty_megabytes_is_a_row(tmp_path: Path) -> None:
    long = json.dumps({"a": "x" * 50_000_000}).encode()
    found = rows(tmp_path / "x.jsonl", b'{"a": 1}\n' + long + b'\n{"a": 2}\n')
    assert [len(str(row.value["a"])) for row in found] == [1, 50_000_000, 1]


@pytest.mark.parametrize("compress", [gzip.compress, lambda data: zstandard.ZstdCompressor().compress(data)])
@pytest.mark.parametrize("data", [b'{"a": 1}\n{"a": 2}\n', b'[{"a": 1}, {"a": 2}]'])
def test_compressed_files_are_read(tmp_path: Path, compress: object, data: bytes) -> None:
    assert callable(compress)
    packed = compress(data)
    suffix = ".gz" if packed.startswith(b"\x1f\x8b") else ".zst"
    assert [row.value for row in rows(tmp_path / f"x.json{suffix}", packed)] == ROWS


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_lines_that_break_off_end_in_a_fault_and_none_before_is_lost(tmp_path: Path, suffix: str) -> None:
    lines = "".join(json.dumps({"a": random.Random(seed).random()}) + "\n" for seed in range(20_000)).encode()
    packed = gzip.compress(lines) if suffix == ".gz" else zstandard.ZstdCompressor().compress(lines)
    found = rows(tmp_path / f"x.jsonl{suffix}", packed[: len(packed) // 2])
    assert found[-1].fault is not None
    assert "breaks off" in found[-1].fault
    assert 5_000 < len(found) < 15_000
    assert all(row.fault is None for row in found[:-1])


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_files_one_after_the_other_are_read_through(tmp_path: Path, compress: object) -> None:
    assert callable(compress)
    packed = compress(b'{"a": 1}\n') + compress(b'{"a": 2}\n')
    suffix = ".gz" if packed.startswith(b"\x1f\x8b") else ".zst"
    assert [row.value for row in rows(tmp_path / f"x.jsonl{suffix}", packed)] == ROWS


def test_a_line_that_no_memory_may_hold_is_a_fault_and_costs_no_other_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.containers.json_files.LONGEST_LINE", 64)
    lines = [json.dumps({"a": "x" * size}) for size in (3, 300, 3, 54, 55, 500)]
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = list(json_rows(path, "a", ".jsonl", lambda _: True))
    assert [(row.line, row.fault is None) for row in found] == [
        (1, True), (2, False), (3, True), (4, True), (5, False), (6, False)
    ]  # fmt: skip
    assert (found[1].fault or "").startswith("is longer than")
