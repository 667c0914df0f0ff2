"""Dolly: {"instruction", "context", "response"}; other columns, such as "category", go to meta."""

from __future__ import annotations

from typing import Any

from assay.formats.format import Format, Parsed, Row
from assay.formats.pairs import PairColumns, read_pair, write_pair
from assay.records import Record

COLUMNS = PairColumns("instruction", "response", "context")


def fits(row: Row) -> bool:
    return "instruction" in row and "context" in row and "response" in row


def read(row: Row) -> Parsed:
    return read_pair(row, COLUMNS)


def write(record: Record) -> list[dict[str, Any]]:
    return write_pair(record, COLUMNS)


FORMAT = Format(
    name="dolly",
    title="Dolly",
    fits=fits,
    read=read,
    write=write,
    columns={"prompt": "instruction", "input": "context", "answer": "response", "system": "system"},
)
