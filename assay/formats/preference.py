"""Preference pairs (DPO): a prompt, a chosen and a rejected answer, in the spellings of TRL, LLaMA-Factory, HH-RLHF.

Read on request only, for the chosen side; the rejected one is kept in meta as messages.
"""

from __future__ import annotations

import re
from typing import Any

from assay.formats.conversation import SYSTEM_COLUMNS, TURN_COLUMNS, turn_column
from assay.formats.format import Format, NotCarried, Parsed, Row, Unreadable, rest, with_meta
from assay.formats.messages import write_message
from assay.formats.turns import is_turn, read_turns
from assay.formats.values import describe, optional_text, read_tools, text
from assay.records import Json, Message, Record

SIDES = (("chosen", "rejected"), ("chosen_messages", "rejected_messages"), ("response_j", "response_k"))
PROMPTS = ("prompt", "instruction", "question", "query", "input")
HH_TURN = re.compile(r"\n\n(Human|Assistant):[ ]?")
HH_ROLES = {"Human": "user", "Assistant": "assistant"}


def fits(row: Row) -> bool:
    return _sides(row) is not None


def read(row: Row) -> Parsed:
    sides = _sides(row)
    if sides is None:
        raise Unreadable("no columns 'chosen' and 'rejected'")
    prompt, used = _prompt(row)
    remarks: set[str] = set()
    chosen = _whole(row[sides[0]], sides[0], prompt, remarks)
    meta = rest(row, *sides, *used, "tools")
    meta["rejected"] = _rejected(row[sides[1]], sides[1], prompt, chosen)
    return Parsed(chosen, read_tools(row.get("tools")), meta, tuple(sorted(remarks)))


def write(record: Record) -> list[dict[str, Any]]:
    rejected = record.meta.get("rejected")
    if rejected is None:
        raise NotCarried("a record without a rejected answer")
    if len(record.messages) < 2 or record.messages[-1].role != "assistant":
        raise NotCarried("a conversation that does not end on an answer of the assistant")
    turns = [write_message(message) for message in record.messages]
    row: dict[str, Any] = {"prompt": turns[:-1], "chosen": turns[-1:], "rejected": rejected}
    if record.tools:
        row["tools"] = list(record.tools)
    return [with_meta(row, record, consumed=("rejected",))]


def _sides(row: Row) -> tuple[str, str] | None:
    for sides in SIDES:
        if sides[0] in row and sides[1] in row:
            return sides
    return None


def _prompt(row: Row) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """(the turns before the answers, the columns they were in); none where each side holds the whole conversation."""
    used: list[str] = []
    messages: list[Message] = []
    system = next((name for name in SYSTEM_COLUMNS if row.get(name)), None)
    if system is not None:
        messages.append(Message("system", optional_text(row[system], system)))
        used.append(system)
    turns = turn_column(row)
    name = next((name for name in PROMPTS if row.get(name) is not None), None)
    if turns is not None:
        messages += read_turns(row[turns], turns).messages
        used += [column for column in TURN_COLUMNS if column == turns]
    elif name is not None and isinstance(row[name], list | tuple):
        messages += read_turns(row[name], name).messages
        used.append(name)
    elif name is not None:
        parts = [text(row[name], name)]
        used.append(name)
        if name != "input":
            parts.append(optional_text(row.get("input"), "input"))
            used.append("input")
        messages.append(Message("user", "\n".join(part for part in parts if part)))
    return tuple(messages), tuple(used)


def _whole(value: Json, name: str, prompt: tuple[Message, ...], remarks: set[str]) -> tuple[Message, ...]:
    """The conversation that ends on one side's answer. Raises Unreadable."""
    if is_turn(value):
        value = [value]
    if isinstance(value, list | tuple):
        turns = read_turns(value, name)
        remarks.update(turns.remarks)
        if turns.messages[0].role not in ("assistant", "tool"):
            return turns.messages
        answer = turns.messages
    elif isinstance(value, str) and HH_TURN.match(value):
        return _read_hh(value)
    elif isinstance(value, str):
        answer = (Message("assistant", value),)
    else:
        raise Unreadable(f"{name} is {describe(value)}, neither text nor turns")
    if not prompt:
        raise Unreadable(f"{name} is an answer, and no column holds its prompt")
    return prompt + answer


def _rejected(value: Json, name: str, prompt: tuple[Message, ...], chosen: tuple[Message, ...]) -> Json:
    """The rejected side after the turns that it shares with the chosen one; as it is where it is no conversation."""
    try:
        whole = _whole(value, name, prompt, set())
    except Unreadable:
        return value
    shared = chosen[:-1]
    own = whole[len(shared) :] if whole[: len(shared)] == shared else whole
    return [write_message(message) for message in own]


def _read_hh(value: str) -> tuple[Message, ...]:
    parts = HH_TURN.split(value)[1:]
    return tuple(Message(HH_ROLES[role], content) for role, content in zip(parts[::2], parts[1::2], strict=True))


FORMAT = Format(
    name="preference",
    title="preference pairs (DPO), chosen side",
    fits=fits,
    read=read,
    write=write,
    columns={
        "messages": "conversations",
        "prompt": "prompt",
        "input": "input",
        "system": "system",
        "tools": "tools",
        "chosen": "chosen",
        "rejected": "rejected",
    },
    on_request=True,
)
