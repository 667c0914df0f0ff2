"""CSV and TSV as people have them."""

from pathlib import Path

import pytest

from assay.containers.csv_files import csv_rows
from assay.containers.raw import RawRow, suffixes
from assay.errors import SourceError


def rows(path: Path, data: bytes) -> list[RawRow]:
    path.write_bytes(data)
    return list(csv_rows(path, path.name, suffixes(path)[0]))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.csv", b"text,label\na,b\n"),
        ("x.csv", b"\xef\xbb\xbftext,label\r\na,b\r\n"),
        ("x.csv", b"text;label\na;b\n"),
        ("x.csv", b'"text","label"\n"a","b"'),
        ("x.tsv", b"text\tlabel\na\tb\n"),
    ],
)
def test_delimiters_marks_and_line_ends_do_not_matter(tmp_path: Path, name: str, data: bytes) -> None:
    assert [row.value for row in rows(tmp_path / name, data)] == [{"text": "a", "label": "b"}]


def test_a_row_is_placed_where_it_begins(tmp_path: Path) -> None:
    found = rows(tmp_path / "x.csv", b'text,label\n"a\nb",c\n\nd,e\n')
    assert [(row.value["text"], row.line, row.row) for row in found] == [("a\nb", 2, 0), ("d", 5, 1)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"only one", "1 cells under a header of 2"),
        (b"a,b,c", "3 cells under a header of 2"),
        (b"caf\xe9,b", "invalid UTF-8: byte 0xe9 at character 4 of 'text'"),
        (b'"a" b,c', "not CSV"),
    ],
)
def test_a_faulty_row_costs_no_other(tmp_path: Path, line: bytes, said: str) -> None:
    first, faulty, last = rows(tmp_path / "x.csv", b"text,label\na,b\n" + line + b"\nc,d\n")
    assert (first.value["text"], last.value["text"]) == ("a", "c")
    assert (faulty.line, faulty.row) == (3, 1)
    assert faulty.fault is not None
    assert said in faulty.fault


def test_a_quote_that_never_closes_does_not_swallow_the_file_in_silence(tmp_path: Path) -> None:
    first, swallowed = rows(tmp_path / "x.csv", b'text,label\na,b\n"c,d\ne,f\n')
    assert first.value == {"text": "a", "label": "b"}
    assert swallowed.line == 3
    assert swallowed.fault is not None
    assert "never closed" in swallowed.fault


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    header = ",".join(f"c{index}" for index in range(10_000)).encode()
    (row,) = rows(tmp_path / "x.csv", header + b"\n" + b",".join([b"x"] * 10_000) + b"\n")
    assert len(row.value) == 10_000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\n", "empty"),
        (b"text,label\n", "no rows"),
        (b"text,text\na,b\n", "two columns are called 'text'"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\n", "not UTF-8"),
        ("text,label\na,b\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as raised:
        rows(tmp_path / "x.csv", data)
    assert "\n" not in str(raised.value)
