"""Every string of a record that reaches a file or a model: turns, tool calls, declared tools, and `meta`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from assay.records import Json, Message, Record, ToolCall

LONG_NUMBER = 10**6
"""Numbers of this size and more are looked at as well: JSON writes account numbers without quotes."""

DEEPEST = 100

Change: TypeAlias = Callable[[str, str], str]
"""f(text, key) -> text"""


class Text(NamedTuple):
    """message is None for tools and meta; in_content says that positions are those of the content of a turn.

    key: the name under which a string stands in JSON, which may say what it is
    in_tools: whether it stands in a declared tool
    """

    text: str
    message: int | None
    in_content: bool
    key: str = ""
    in_tools: bool = False


def strings(record: Record) -> Iterator[Text]:
    """In the order in which they are read: turns with their tool calls, then declared tools, then meta."""
    for index, message in enumerate(record.messages):
        if message.content:
            yield Text(message.content, index, True)
        for call in message.tool_calls:
            for key, text in leaves(call.arguments):
                yield Text(text, index, False, key)
        if message.name:
            yield Text(message.name, index, False)
    for key, text in leaves(record.tools):
        yield Text(text, None, False, key, in_tools=True)
    for key, text in leaves(record.meta):
        yield Text(text, None, False, key)


def one_text(record: Record) -> str:
    """All strings of the record in one, each after its key, for the prefilter."""
    parts = [message.content for message in record.messages if message.content]
    for message in record.messages:
        for call in message.tool_calls:
            parts += [prefix(key) + text for key, text in leaves(call.arguments)]
        if message.name:
            parts.append(message.name)
    if record.tools or record.meta:
        parts += [prefix(key) + text for part in (record.tools, record.meta) for key, text in leaves(part)]
    return "\n".join(parts)


def prefix(key: str) -> str:
    """What goes before a string, so that its key is a word near it, and an assignment as in code.

    >>> prefix("phone_number"), prefix("")
    ('phone number phone_number: ', '')
    """
    return f"{key.replace('_', ' ').replace('-', ' ')} {key}: " if key else ""


def replaced(record: Record, change: Change) -> Record:
    """The record with each of its strings changed. Keys, names of tools, roles and ids stay."""
    messages = tuple(_message(message, change) for message in record.messages)
    tools = tuple(changed(tool, change) for tool in record.tools)
    meta = {key: changed(value, change, key) for key, value in record.meta.items()}
    same = tools == record.tools and meta == record.meta
    return (record if same else replace(record, tools=tools, meta=meta)).with_messages(messages)


def _message(message: Message, change: Change) -> Message:
    calls = tuple(ToolCall(call.name, changed(call.arguments, change), call.id) for call in message.tool_calls)
    content = change(message.content, "") if message.content else message.content
    name = change(message.name, "") if message.name else message.name
    return replace(message, content=content, tool_calls=calls, name=name)


def leaves(value: Json, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(key, text) of each string and long number of a JSON value; of a list the key is that of the list."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= LONG_NUMBER:
            yield key, _digits(value)
    elif depth > DEEPEST:
        return
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, str(name), depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, key, depth + 1)


def changed(value: Json, change: Change, key: str = "", depth: int = 0) -> Json:
    """The JSON value with each of its strings and long numbers changed; a number that stays stays a number."""
    if isinstance(value, str):
        return change(value, key)
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < LONG_NUMBER:
            return value
        text = _digits(value)
        new = change(text, key)
        return value if new == text else new
    if depth > DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {name: changed(item, change, str(name), depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(changed(item, change, key, depth + 1) for item in value)
    return value


def _digits(value: int) -> str:
    """Its decimal digits; of a number too long for Python to write, none."""
    return str(value) if value.bit_length() < 14_000 else ""
