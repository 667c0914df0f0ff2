"""Self-Instruct seeds: {"instruction", "instances": [{"input", "output"}, ...]}, one record for each instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.formats import alpaca
from assay.formats.format import Format, Parsed, Row, Unreadable
from assay.formats.pairs import read_pair, write_pair
from assay.formats.values import describe, json_list
from assay.records import Record

COLUMNS = alpaca.COLUMNS._replace(system=None, history=None)


def fits(row: Row) -> bool:
    return "instruction" in row and "instances" in row


def split(row: Row) -> list[Row]:
    """One row for each instance; a row without any stays whole, for `read` to refuse."""
    try:
        instances = json_list(row.get("instances"), "instances")
    except Unreadable:
        return [row]
    return [{**row, "instances": [instance]} for instance in instances] or [row]


def read(row: Row) -> Parsed:
    instances = json_list(row.get("instances"), "instances")
    if len(instances) != 1:
        raise Unreadable("instances holds no instance" if not instances else "instances holds several instances")
    if not isinstance(instances[0], Mapping):
        raise Unreadable(f"an instance is {describe(instances[0])}, not an object with input and output")
    flat = {key: value for key, value in row.items() if key != "instances"}
    return read_pair({**flat, **instances[0]}, COLUMNS)


def write(record: Record) -> list[dict[str, Any]]:
    row = write_pair(record, COLUMNS)[0]
    instance = {"input": row.pop("input"), "output": row.pop("output")}
    return [{"instruction": row.pop("instruction"), "instances": [instance], **row}]


FORMAT = Format(
    name="self_instruct",
    title="Self-Instruct seeds",
    fits=fits,
    read=read,
    write=write,
    split=split,
)
