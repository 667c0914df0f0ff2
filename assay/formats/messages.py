"""OpenAI's chat format: {"messages": [{"role", "content", "tool_calls", ...}], "tools": [...]}.

Legacy `functions` and `function_call` become tools and tool calls; `weight: 0` becomes `train=False`;
LLaMA-Factory's v1 layout (content as typed parts with `loss_weight`) is a spelling of it.
"""

from __future__ import annotations

from typing import Any

from assay.formats.conversation import is_conversation, read_conversation
from assay.formats.format import Format, Parsed, Row, with_meta
from assay.formats.turns import EXTRAS, write_extras
from assay.formats.values import arguments_text
from assay.records import Message, Record


def fits(row: Row) -> bool:
    return is_conversation(row)


def read(row: Row) -> Parsed:
    return read_conversation(row)


def write(record: Record) -> list[dict[str, Any]]:
    turns = [write_message(message) for message in record.messages]
    write_extras(turns, record.meta)
    row: dict[str, Any] = {"messages": turns}
    if record.tools:
        row["tools"] = list(record.tools)
    return [with_meta(row, record, consumed=(EXTRAS,))]


def write_message(message: Message) -> dict[str, Any]:
    """One message as OpenAI writes it: arguments as text, weight only where it differs from the default."""
    out: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        out["tool_calls"] = [
            {
                **({"id": call.id} if call.id is not None else {}),
                "type": "function",
                "function": {"name": call.name, "arguments": arguments_text(call.arguments)},
            }
            for call in message.tool_calls
        ]
    for key in ("tool_call_id", "name"):
        if getattr(message, key) is not None:
            out[key] = getattr(message, key)
    if message.train is not None:
        out["weight"] = int(message.train)
    return out


FORMAT = Format(
    name="messages",
    title="OpenAI messages",
    fits=fits,
    read=read,
    write=write,
    columns={"messages": "messages", "system": "system", "tools": "tools"},
)
