"""ShareGPT: {"conversations": [{"from", "value"}], "system": "...", "tools": "JSON text"}.

`function_call` turns become assistant turns with tool calls, `observation` turns become tool turns.
"""

from __future__ import annotations

import json
from typing import Any

from assay.formats.conversation import first_turn, read_conversation, turn_column
from assay.formats.format import Format, NotCarried, Parsed, Row, with_meta
from assay.formats.turns import CALL, EXTRAS, write_extras
from assay.formats.values import bare_tool
from assay.records import Message, Record, ToolCall

WRITTEN_ROLES = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def fits(row: Row) -> bool:
    turn = first_turn(row)
    return "from" in turn if turn is not None else turn_column(row) == "conversations"


def read(row: Row) -> Parsed:
    return read_conversation(row)


def write(record: Record) -> list[dict[str, Any]]:
    turns = [_write_turn(message) for message in record.messages]
    write_extras(turns, record.meta)
    row: dict[str, Any] = {"conversations": turns}
    if record.tools:
        row["tools"] = json.dumps([bare_tool(tool) for tool in record.tools], ensure_ascii=False)
    return [with_meta(row, record, consumed=(EXTRAS,))]


def _write_turn(message: Message) -> dict[str, Any]:
    if message.role not in WRITTEN_ROLES:
        raise NotCarried(f"{message.role} turns")
    if message.tool_calls:
        if message.role != "assistant":
            raise NotCarried(f"tool calls of a {message.role} turn")
        if message.content is not None:
            raise NotCarried("a turn with both text and tool calls")
        turn: dict[str, Any] = {"from": CALL, "value": _calls_text(message.tool_calls)}
    else:
        turn = {"from": WRITTEN_ROLES[message.role], "value": message.content}
    for key in ("tool_call_id", "name"):
        if getattr(message, key) is not None:
            turn[key] = getattr(message, key)
    if message.train is not None:
        turn["weight"] = int(message.train)
    return turn


def _calls_text(calls: tuple[ToolCall, ...]) -> str:
    if len(calls) == 1 and calls[0].name == "" and isinstance(calls[0].arguments, str):
        return calls[0].arguments
    written = [
        {
            **({"id": call.id} if call.id is not None else {}),
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in calls
    ]
    return json.dumps(written[0] if len(written) == 1 else written, ensure_ascii=False)


FORMAT = Format(
    name="sharegpt",
    title="ShareGPT",
    fits=fits,
    read=read,
    write=write,
    columns={"messages": "conversations", "system": "system", "tools": "tools"},
)
