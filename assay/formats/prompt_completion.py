"""{"prompt", "completion"}: each text, or a list of messages (TRL's conversational form), and optionally "tools"."""

from __future__ import annotations

from typing import Any

from assay.formats.format import Format, NotCarried, Parsed, Row, Unreadable, rest, with_meta
from assay.formats.messages import write_message
from assay.formats.turns import EXTRAS, Turns, is_turn, read_turns, write_extras
from assay.formats.values import read_tools, text
from assay.records import Json, Message, Record

NAMES = ("prompt", "completion")


def fits(row: Row) -> bool:
    return "prompt" in row and "completion" in row


def read(row: Row) -> Parsed:
    prompt = side(row, "prompt", "user", 0)
    completion = side(row, "completion", "assistant", len(prompt.messages))
    meta = rest(row, *NAMES, "tools")
    extras = {**prompt.extras, **completion.extras}
    if extras:
        meta[EXTRAS] = extras
    remarks = tuple(sorted({*prompt.remarks, *completion.remarks}))
    return Parsed(prompt.messages + completion.messages, read_tools(row.get("tools")), meta, remarks)


def side(row: Row, name: str, role: str, first: int) -> Turns:
    """One side of a row as turns; text is one turn of `role`. Raises Unreadable."""
    if name not in row:
        raise Unreadable(f"no column '{name}'")
    value = row[name]
    if isinstance(value, list | tuple):
        return read_turns(value, name, first)
    if is_turn(value):
        return read_turns([value], name, first)
    return Turns((Message(role, text(value, name)),), {}, ())


def write(record: Record) -> list[dict[str, Any]]:
    messages = record.messages
    if not messages or messages[-1].role != "assistant":
        raise NotCarried("a conversation that does not end on the assistant")
    row: dict[str, Any]
    if [_plain_role(message) for message in messages] == ["user", "assistant"]:
        row = {"prompt": messages[0].content, "completion": messages[1].content}
    else:
        turns: list[dict[str, Json]] = [write_message(message) for message in messages]
        write_extras(turns, record.meta)
        row = {"prompt": turns[:-1], "completion": turns[-1:]}
        if len(turns) == 1:
            raise NotCarried("an answer without a prompt")
    if record.tools:
        row["tools"] = list(record.tools)
    return [with_meta(row, record, consumed=(EXTRAS,))]


def _plain_role(message: Message) -> str | None:
    return message.role if message == Message(message.role, message.content) and message.content is not None else None


FORMAT = Format(
    name="prompt_completion",
    title="prompt/completion",
    fits=fits,
    read=read,
    write=write,
    columns={"prompt": "prompt", "answer": "completion", "tools": "tools"},
)
