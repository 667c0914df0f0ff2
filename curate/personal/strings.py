"""Every string of a record that reaches a file or a model: turns, tool calls, declared tools, and `meta`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from assay.records import Json, Message, Record, ToolCall

LONG_NUMBER = 10**6
"""Numbers of this size and more are looked at as well: JSON writes account numbers without quotes."""

DEEPEST = 100


class Text(NamedTuple):
    """message is None for tools and meta; in_content says that positions are those of the content of a turn."""

    text: str
    message: int | None
    in_content: bool


def strings(record: Record) -> Iterator[Text]:
    """In the order in which they are read: turns with their tool calls, then declared tools, then meta."""
    for index, message in enumerate(record.messages):
        if message.content:
            yield Text(message.content, index, True)
        for call in message.tool_calls:
            for text in _leaves(call.arguments):
                yield Text(text, index, False)
        if message.name:
            yield Text(message.name, index, False)
    for text in _leaves([record.tools, record.meta]):
        yield Text(text, None, False)


def one_text(record: Record) -> str:
    """All strings of the record in one, for the prefilter."""
    parts = [message.content for message in record.messages if message.content]
    for message in record.messages:
        for call in message.tool_calls:
            parts += _leaves(call.arguments)
        if message.name:
            parts.append(message.name)
    if record.tools or record.meta:
        parts += _leaves([record.tools, record.meta])
    return "\n".join(parts)


def replaced(record: Record, change: Callable[[str], str]) -> Record:
    """The record with each of its strings changed. Keys, names of tools, roles and ids stay."""
    messages = tuple(_message(message, change) for message in record.messages)
    tools = tuple(_changed(tool, change) for tool in record.tools)
    meta = {key: _changed(value, change) for key, value in record.meta.items()}
    same = tools == record.tools and meta == record.meta
    return replace(record if same else replace(record, tools=tools, meta=meta), messages=()).with_messages(messages)


def _message(message: Message, change: Callable[[str], str]) -> Message:
    calls = tuple(ToolCall(call.name, _changed(call.arguments, change), call.id) for call in message.tool_calls)
    content = change(message.content) if message.content else message.content
    return replace(
        message, content=content, tool_calls=calls, name=change(message.name) if message.name else message.name
    )


def _leaves(value: Json, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) >= LONG_NUMBER:
            yield _digits(value)
    elif depth > DEEPEST:
        yield json.dumps(value, default=str, ensure_ascii=False)
    elif hasattr(value, "values"):
        for item in value.values():
            yield from _leaves(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, depth + 1)


def _changed(value: Json, change: Callable[[str], str], depth: int = 0) -> Json:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LONG_NUMBER:
        text = _digits(value)
        changed = change(text)
        return value if changed == text else changed
    if depth > DEEPEST:
        return value
    if isinstance(value, dict):
        return {key: _changed(item, change, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_changed(item, change, depth + 1) for item in value)
    return value


def _digits(value: int) -> str:
    """Its decimal digits; of a number too long for Python to write, none."""
    return str(value) if value.bit_length() < 14_000 else ""
