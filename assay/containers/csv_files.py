"""CSV and TSV, with the line on which each row begins."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol, cast

from assay.containers.formula_cells import unescape
from assay.containers.raw import BREAKS_OFF, RawRow, decompression_errors, open_binary
from assay.errors import SourceError

LARGEST_CELL = (1 << 31) - 1
_INVALID = re.compile("[\udc80-\udcff]")


def csv_rows(path: Path, name: str, kind: str) -> Iterator[RawRow]:
    """Rows as {column: text}. Raises SourceError for an empty file, and for a header that cannot be one."""
    csv.field_size_limit(LARGEST_CELL)
    with open_binary(path) as binary:
        lines = io.TextIOWrapper(
            cast(io.BufferedReader, binary), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        try:
            first = lines.readline()
        except decompression_errors() as error:
            raise SourceError(f"the compressed data is damaged ({error})", where=name) from error
        delimiter = "\t" if kind == ".tsv" else _delimiter(first)
        reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        columns = _header(reader, name)
        yield from _rows(reader, columns, name)


class Reader(Protocol):
    """What `csv.reader` returns; the module has no public name for it before Python 3.13."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


def _delimiter(header: str) -> str:
    """Comma, but for headers that hold none: spreadsheets of many countries write semicolons."""
    return next((mark for mark in (",", ";", "\t", "|") if mark in header), ",")


def _header(reader: Reader, name: str) -> list[str]:
    try:
        columns = next(reader)
    except StopIteration:
        columns = []
    except csv.Error as error:
        raise SourceError(f"the header is not CSV ({error})", where=f"{name}:1") from error
    if not any(columns):
        raise SourceError("is empty" if not columns else "the first line names no column", where=name)
    if _INVALID.search("".join(columns)) or "\x00" in "".join(columns):
        raise SourceError("is not UTF-8 text", where=name, fix="save the file as UTF-8 (iconv converts it)")
    repeated = [column for column, count in Counter(columns).items() if count > 1 and column]
    if repeated:
        raise SourceError(f"two columns are called '{repeated[0]}'", where=f"{name}:1", fix="rename one of them")
    return [unescape(column) or f"column_{index + 1}" for index, column in enumerate(columns)]


def _rows(reader: Reader, columns: list[str], name: str) -> Iterator[RawRow]:
    row, errors = 0, decompression_errors()
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield RawRow(None, line, row, _syntax_fault(str(error)))
            row += 1
            continue
        except errors:
            yield RawRow(None, line, row, BREAKS_OFF)
            return
        if not cells:
            continue
        fault = _fault(cells, columns)
        yield RawRow(None if fault else dict(zip(columns, map(unescape, cells), strict=False)), line, row, fault)
        row += 1
    if row == 0:
        raise SourceError("holds a header and no rows", where=name)


def _syntax_fault(error: str) -> str:
    if "unexpected end of data" in error:
        return "a quote that opens in this row is never closed: the rest of the file is in one cell"
    return f"not CSV ({error})"


def _fault(cells: list[str], columns: list[str]) -> str | None:
    if len(cells) != len(columns):
        return f"{len(cells)} cells under a header of {len(columns)}; quote a cell that holds the delimiter"
    for column, cell in zip(columns, cells, strict=True):
        if not cell.isascii():
            found = _INVALID.search(cell)
            if found:
                byte = ord(found.group()) - 0xDC00
                return f"invalid UTF-8: byte 0x{byte:02x} at character {found.start() + 1} of '{column:.60}'"
    return None
