"""Tables with one message a row: a column that names the conversation, one that orders it, role, content.

Without a column for the conversation the whole file is one. Rows without an order keep that of the file.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from assay.containers.raw import RawRow
from assay.formats.conversation import read_conversation
from assay.formats.format import Format, NotCarried, Parsed, Row
from assay.formats.messages import write_message
from assay.formats.turns import CONTENT_KEYS, EXTRAS, ROLE_KEYS, write_extras
from assay.formats.values import is_nan
from assay.records import Json, Record

CONVERSATIONS = (
    "conversation_id",
    "conversation",
    "conv_id",
    "chat_id",
    "dialogue_id",
    "dialog_id",
    "thread_id",
    "session_id",
    "ticket_id",
)
ORDERS = ("turn", "turn_id", "turn_index", "position", "order", "index", "timestamp", "created_at", "time", "date")


def fits(row: Row) -> bool:
    return any(isinstance(row.get(key), str) for key in ROLE_KEYS) and any(
        key in row and not isinstance(row[key], dict) for key in CONTENT_KEYS
    )


def gather(raws: Sequence[RawRow]) -> Iterator[RawRow]:
    """One row {"messages": [...]} for each conversation, in the order in which they begin."""
    conversation = _column(raws, CONVERSATIONS)
    order = _column(raws, ORDERS)
    groups: dict[Json, list[RawRow]] = {}
    for raw in raws:
        key = raw.value.get(conversation) if conversation else None
        if conversation and (key is None or key == "" or is_nan(key)):
            yield RawRow(None, raw.line, raw.row, f"no {conversation}: it belongs to no conversation")
        else:
            groups.setdefault(str(key), []).append(raw)
    for members in groups.values():
        first = members[0]
        if order is not None:
            members = sorted(members, key=lambda raw: _position(raw.value.get(order)))
        turns = [_turn(raw.value, conversation) for raw in members]
        row = {conversation: first.value[conversation]} if conversation else {}
        yield RawRow({"messages": turns, **row}, first.line, first.row)


def read(row: Row) -> Parsed:
    return read_conversation(row)


def write(record: Record) -> list[dict[str, Any]]:
    if record.tools:
        raise NotCarried("declared tools")
    column = next((name for name in CONVERSATIONS if name in record.meta), CONVERSATIONS[0])
    turns = [write_message(message) for message in record.messages]
    write_extras(turns, record.meta)
    ordered = all(any(name in turn for name in ORDERS) for turn in turns)
    meta = {key: value for key, value in record.meta.items() if key not in (EXTRAS, column)}
    return [
        {column: record.meta.get(column, record.row_id), **({} if ordered else {"turn": index}), **turn, **meta}
        for index, turn in enumerate(turns)
    ]


def _turn(row: Row, conversation: str | None) -> dict[str, Json]:
    """The row without its conversation, and without cells that a CSV file leaves empty."""
    return {key: value for key, value in row.items() if key != conversation and (value != "" or key in CONTENT_KEYS)}


def _column(raws: Sequence[RawRow], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if all(name in raw.value for raw in raws)), None)


def _position(value: Json) -> tuple[int, float, str]:
    """Numbers by size, dates by time, anything else by its letters; empty cells last."""
    if value is None or is_nan(value) or value == "":
        return 3, 0.0, ""
    if isinstance(value, int | float):
        return 0, float(value), ""
    try:
        return 0, float(value), ""
    except (TypeError, ValueError):
        pass
    try:
        moment = datetime.datetime.fromisoformat(str(value))
    except ValueError:
        return 2, 0.0, str(value)
    return 1, moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp(), ""


FORMAT = Format(
    name="message_table",
    title="one message a row",
    fits=fits,
    read=read,
    write=write,
    columns={"conversation": "conversation_id", "time": "turn", "role": "role", "content": "content"},
    gather=gather,
)
