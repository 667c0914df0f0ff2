"""JSON and JSONL, told apart by content: many files with one suffix hold the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from assay.containers.json_values import BOM, Fault, check, decode, parse, parse_document
from assay.containers.raw import BREAKS_OFF, RawRow, decompression_errors, open_binary, read_all
from assay.errors import SourceError
from assay.records import Json

LINES = (".jsonl", ".ndjson")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
LONGEST_LINE = 1 << 28
"""In bytes. A compressed file of a few kilobytes can hold a line that no memory holds."""


def json_rows(path: Path, name: str, kind: str, is_row: Callable[[Json], bool]) -> Iterator[RawRow]:
    """The rows of a JSON or JSONL file.

    kind    the suffix without compression
    is_row  whether an object that is the whole file is one row, and not a wrapper around the list of rows
    Raises SourceError when nothing in the file is JSON.
    """
    head = _head(path)
    if head.startswith(UTF_16):
        raise SourceError("is UTF-16", where=name, fix="save the file as UTF-8: iconv -f UTF-16 -t UTF-8")
    start = head.removeprefix(BOM).lstrip()
    if not start:
        raise SourceError("is empty", where=name)
    first, separator, later = start.partition(b"\n")
    if _is_value(first) if separator else kind in LINES and start[:1] == b"{":
        return _lines(path, name) if later.strip() or kind in LINES else _document(path, name, is_row)
    if kind in LINES and not (start[:1] == b"[" or first.strip() == b"{"):
        return _lines(path, name)
    return _document(path, name, is_row)


def _head(path: Path) -> bytes:
    """The start of a file: at least its first line that is not blank and, if there is one, something of the next."""
    with open_binary(path) as file:
        try:
            head = b""
            while True:
                line = file.readline(LONGEST_LINE)
                head += line
                if not line or head.removeprefix(BOM).strip():
                    break
            return head + file.read(4096)
        except decompression_errors() as error:
            raise SourceError(
                f"the compressed data is damaged ({error})", where=str(path), fix="copy the file again"
            ) from error


def _is_value(line: bytes) -> bool:
    try:
        parse(line)
    except Fault as fault:
        return not str(fault).startswith(("not JSON", "the JSON breaks off"))
    return True


def _lines(path: Path, name: str) -> Iterator[RawRow]:
    """One row a line; blank lines are none."""
    row, readable, first_fault = 0, False, ""
    with open_binary(path) as file:
        for line, data in _numbered(file):
            if isinstance(data, bytes):
                if not data.strip() or data == BOM:
                    continue
                try:
                    value = parse(data)
                except Fault as fault:
                    first_fault = first_fault or f"line {line}: {fault}"
                    yield RawRow(None, line, row, str(fault))
                else:
                    readable = True
                    yield RawRow(value, line, row)
            else:
                first_fault = first_fault or f"line {line}: {data}"
                yield RawRow(None, line, row, data)
            row += 1
    if not readable:
        raise SourceError(f"no line of it is JSON: {first_fault}", where=name)


def _numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes | str]]:
    """(line number, line), with the fault as text in place of a line that cannot be had whole."""
    number = 0
    errors = decompression_errors()
    while True:
        number += 1
        try:
            line = file.readline(LONGEST_LINE)
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(LONGEST_LINE)
                yield number, f"is longer than {LONGEST_LINE >> 20} MB"
                continue
        except errors:
            yield number, BREAKS_OFF
            return
        if not line:
            return
        yield number, line.rstrip(b"\r\n")


def _document(path: Path, name: str, is_row: Callable[[Json], bool]) -> Iterator[RawRow]:
    """The rows of a file that is one JSON value."""
    data = read_all(path)
    try:
        value = parse_document(data)
    except Fault as fault:
        yield from _damaged(data, name, str(fault))
        return
    del data
    rows = list_of_rows(value, name, is_row)
    for row, item in enumerate(rows):
        try:
            yield RawRow(check(item), None, row)
        except Fault as fault:
            yield RawRow(None, None, row, str(fault))


def list_of_rows(value: Json, name: str, is_row: Callable[[Json], bool]) -> list[Json]:
    """The list that a JSON file holds, as it is, in an object, or as the values of an object. Raises SourceError."""
    shape = "a list of rows"
    if isinstance(value, list):
        if not value:
            raise SourceError("holds an empty list", where=name)
        return value
    if not isinstance(value, dict) or not value:
        raise SourceError(f"holds no rows but only {json.dumps(value)[:40]}", where=name, fix=f"it should be {shape}")
    if is_row(value):
        return [value]
    lists = {key: item for key, item in value.items() if isinstance(item, list) and item and isinstance(item[0], dict)}
    if len(lists) == 1:
        return next(iter(lists.values()))
    if len(lists) > 1:
        raise SourceError(
            f"holds several lists of rows ({', '.join(list(lists)[:6])})",
            where=name,
            fix="put each into a file of its own",
        )
    if all(isinstance(item, dict) for item in value.values()):
        return [{"key": key, **item} for key, item in value.items()]
    return [value]


def _damaged(data: bytes, name: str, fault: str) -> Iterator[RawRow]:
    """The rows of a list that breaks off at the end of the file; or SourceError."""
    try:
        text = decode(data)
    except Fault as invalid:
        begins = data.lstrip()[:1] in (b"[", b"{")
        raise SourceError(str(invalid) if begins else "is not JSON", where=name) from invalid
    if fault.startswith("nested"):
        raise SourceError(f"holds a value {fault}", where=name)
    body = text.strip()
    if not body.startswith("[") or body.endswith("]"):
        raise SourceError(f"is not JSON: {_place(text) or fault}", where=name, fix="mend it, or write one row a line")
    yield from _until_it_breaks_off(body, name, fault)


def _place(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        return ""
    return ""


def _until_it_breaks_off(body: str, name: str, fault: str) -> Iterator[RawRow]:
    decoder = json.JSONDecoder()
    position, row = 1, 0
    while True:
        while position < len(body) and body[position] in " \t\r\n,":
            position += 1
        try:
            value, position = decoder.raw_decode(body, position)
        except (ValueError, RecursionError) as error:
            if row == 0:
                raise SourceError(f"is not JSON: {fault}", where=name) from error
            line = body.count("\n", 0, position) + 1
            yield RawRow(None, None, row, f"the file breaks off in this row, which begins on line {line}")
            return
        try:
            yield RawRow(check(value), None, row)
        except Fault as found:
            yield RawRow(None, None, row, str(found))
        row += 1
