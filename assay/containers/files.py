"""Which container a file is, by its name or, where the name says nothing, by how it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from assay.containers.csv_files import csv_rows
from assay.containers.json_files import json_rows
from assay.containers.raw import RawRow, decompression_errors, open_binary, suffixes, unreadable
from assay.errors import SourceError
from assay.records import Json

JSON = (".json", ".jsonl", ".ndjson")
DELIMITED = (".csv", ".tsv")
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather")
SPREADSHEETS = (".xlsx", ".xls", ".ods")
SUFFIXES = (*JSON, *DELIMITED, *PARQUET, *ARROW)


def file_rows(path: Path, name: str, is_row: Callable[[Json], bool]) -> Iterator[RawRow]:
    """The rows of one file. `name` is how errors call it. Raises SourceError, at once or while rows are read."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    if size == 0:
        raise SourceError("is empty", where=name)
    kind = suffixes(path)[0]
    if kind in SPREADSHEETS:
        raise SourceError("is a spreadsheet", where=name, fix="save its sheet as CSV")
    if kind not in SUFFIXES:
        kind = _by_content(path, name)
    if kind in JSON:
        return json_rows(path, name, kind, is_row)
    if kind in DELIMITED:
        return csv_rows(path, name, kind)
    from assay.containers.arrow_files import arrow_rows, parquet_rows

    return parquet_rows(path, name) if kind in PARQUET else arrow_rows(path, name)


def _by_content(path: Path, name: str) -> str:
    with open_binary(path) as file:
        try:
            head = file.read(4096)
        except decompression_errors() as error:
            raise SourceError(
                f"the compressed data is damaged ({error})", where=name, fix="copy the file again"
            ) from error
        except OSError as error:
            raise unreadable(path, error) from error
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"ARROW1"):
        return ".arrow"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return ".json"
    raise SourceError(
        "is no kind of file that assay reads", where=name, fix=f"give it one of {', '.join(SUFFIXES)} (also .gz, .zst)"
    )
