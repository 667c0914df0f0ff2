"""Alpaca: {"instruction", "input", "output"}, and optionally "system" and "history" ([[prompt, answer], ...]).

The user turn is the instruction and, on the next line, the input, as LLaMA-Factory joins them.
"""

from __future__ import annotations

from typing import Any

from assay.formats.format import Format, Parsed, Row
from assay.formats.pairs import PairColumns, read_pair, write_pair
from assay.records import Record

COLUMNS = PairColumns("instruction", "output", "input", "system", "history")
RESPONSE_COLUMNS = COLUMNS._replace(answer="response")


def fits(row: Row) -> bool:
    return "instruction" in row and ("output" in row or ("input" in row and "response" in row and "context" not in row))


def read(row: Row) -> Parsed:
    return read_pair(row, COLUMNS if "output" in row or "response" not in row else RESPONSE_COLUMNS)


def write(record: Record) -> list[dict[str, Any]]:
    return write_pair(record, COLUMNS)


FORMAT = Format(
    name="alpaca",
    title="Alpaca",
    fits=fits,
    read=read,
    write=write,
    columns={
        "prompt": "instruction",
        "input": "input",
        "answer": "output",
        "system": "system",
        "history": "history",
    },
)
