"""The shape of a conversation, and the contents that it holds: together they are the conversation.

Contents are what differs from record to record of one data set: texts without their outer white space, thinking and
answer each by itself, the values in the arguments of calls, the ids of calls, and of declared tools their names and
descriptions (`assay.chat.tool_shapes`). All else is shape: roles, other names, white space at the edges, the keys of
arguments, whatever is empty, true or false.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from assay.chat.tool_shapes import NAME, UNSEEN, Name, ToolOutline, declared
from assay.chat_templates.stand_ins import MOST, SHORTEST_ID, Value
from assay.records import Json, Message, ToolCall

LONGEST_MARGIN = 8
DEEPEST = 16
LARGEST = 10**15
"""Of an integer: larger ones are shape, for they may be too long to be written."""

_THINKING = re.compile(r"(</?think>)")
_ID = re.compile(rf"(?!call\d{{5}}$)[A-Za-z0-9_-]{{{SHORTEST_ID},64}}")
"""What is a content as an id; ids like those that assay supplies (`assay.chat.conversation`) are not."""

Shape: TypeAlias = Hashable


class Identifier(str):
    """An id among contents: equal ids of a conversation are one content."""

    __slots__ = ()


class Outline(NamedTuple):
    """shape is equal for conversations that differ in their contents alone; those of the tools come first."""

    shape: Shape
    contents: list[Value]


class _Irregular(Exception):  # noqa: N818 - a verdict, not an error
    """The conversation has too little in common with others to have a shape."""


def outline(messages: Sequence[Message], tools: ToolOutline | None = None) -> Outline | None:
    """None for a conversation that is too odd: it has to be looked at by itself."""
    contents: list[Value] = list(tools.contents) if tools is not None else []
    names = dict(tools.names) if tools is not None else {}
    ids: dict[str, int] = {}
    try:
        turns = tuple([_turn(message, contents, ids, names) for message in messages])
    except _Irregular:
        return None
    if len(contents) >= MOST:
        return None
    return Outline((turns, len(tools.contents), tools.shape) if tools is not None else (turns, 0, ()), contents)


def conversation(shape: Any, contents: Sequence[Value]) -> tuple[list[Message], list[Json]]:
    """The messages and tools of a shape with these contents: the inverse of `outline`."""
    turns, of_tools, tools = shape
    rest = iter(contents[of_tools:])
    ids: dict[int, str] = {}
    names = {number: str(contents[number]) for number in range(of_tools)}
    messages = [
        Message(
            role,
            _joined(content, rest),
            tuple(
                ToolCall(_name(call, rest, names), _argument(arguments, rest), _id(own, rest, ids))
                for call, arguments, own in calls
            ),
            _id(answered, rest, ids),
            _name(name, rest, names),
            train,
        )
        for role, train, content, calls, answered, name in turns
    ]
    return messages, declared(tools, contents) if tools else []


def _name(shape: Any, rest: Iterator[Value], names: dict[int, str]) -> Any:
    """shape: the number of a declared tool's name among the contents, or a name that none of them has."""
    if not isinstance(shape, int):
        return shape
    if shape not in names:
        names[shape] = str(next(rest))
    return names[shape]


def _name_shape(name: str, contents: list[Value], names: dict[str, int]) -> int | str:
    number = names.get(name)
    if number is None:
        return name
    if number == UNSEEN:
        if NAME.fullmatch(name) is None:
            return name
        number = names[name] = len(contents)
        contents.append(Name(name))
    return number


def _turn(message: Message, contents: list[Value], ids: dict[str, int], names: dict[str, int]) -> Hashable:
    content = _cut(message.content, contents)
    name: int | str | None = message.name
    if not message.tool_calls and message.tool_call_id is None:
        if name is not None:
            name = _name_shape(message.name or "", contents, names)
        return message.role, message.train, content, (), None, name
    calls = tuple(
        [
            (
                _name_shape(call.name, contents, names),
                _argument_shape(call.arguments, contents, 0),
                _id_shape(call.id, contents, ids),
            )
            for call in message.tool_calls
        ]
    )
    answered = _id_shape(message.tool_call_id, contents, ids)
    if name is not None:
        name = _name_shape(message.name or "", contents, names)
    return message.role, message.train, content, calls, answered, name


def _cut(text: str | None, contents: list[Value]) -> Hashable:
    """The text itself where it is empty, else what stands before, between and after its contents."""
    core = text.strip() if text else ""
    if not core or text is None:
        return text
    if len(core) == len(text):
        before = after = ""
    else:
        before = text[: len(text) - len(text.lstrip())]
        after = text[len(before) + len(core) :]
        _small(before + after)
    if "think>" not in core:
        contents.append(core)
        return before, after
    literals = [before]
    for part in _THINKING.split(core):
        inner = part.strip()
        if not inner or _THINKING.fullmatch(part):
            literals[-1] += _small(part)
            continue
        start = part.index(inner)
        literals[-1] += _small(part[:start])
        contents.append(inner)
        literals.append(_small(part[start + len(inner) :]))
    literals[-1] += after
    return tuple(literals)


def _small(margin: str) -> str:
    if len(margin) > LONGEST_MARGIN:
        raise _Irregular
    return margin


def _joined(literals: str | Sequence[str] | None, rest: Iterator[Value]) -> str | None:
    if literals is None or isinstance(literals, str):
        return literals
    return literals[0] + "".join(f"{next(rest)}{literal}" for literal in literals[1:])


def _argument_shape(value: Json, contents: list[Value], depth: int) -> Hashable:
    """("text", ...), ("number", type), ("keys", ...), ("items", ...); ("value", as written, value) for what is none."""
    if depth > DEEPEST:
        raise _Irregular
    if isinstance(value, str):
        return "text", _cut(value, contents)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise _Irregular
        return "keys", tuple(value), tuple([_argument_shape(item, contents, depth + 1) for item in value.values()])
    if isinstance(value, list):
        return "items", tuple([_argument_shape(item, contents, depth + 1) for item in value])
    if value is None or isinstance(value, bool) or not value:
        return "value", repr(value), value  # 0 and -0.0 and False are equal
    if math.isfinite(value) if isinstance(value, float) else isinstance(value, int) and abs(value) < LARGEST:
        contents.append(value)
        return "number", type(value).__name__
    raise _Irregular


def _argument(shape: Any, rest: Iterator[Value]) -> Json:
    kind, *inner = shape
    if kind == "text":
        return _joined(inner[0], rest)
    if kind == "keys":
        return {key: _argument(item, rest) for key, item in zip(*inner, strict=True)}
    if kind == "items":
        return [_argument(item, rest) for item in inner[0]]
    return next(rest) if kind == "number" else inner[1]


def _id_shape(value: str | None, contents: list[Value], ids: dict[str, int]) -> Hashable:
    """(number among the ids, length), or the id itself where it is no content."""
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        return value
    if value not in ids:
        ids[value] = len(ids)
        contents.append(Identifier(value))
    return ids[value], len(value)


def _id(shape: Any, rest: Iterator[Value], ids: dict[int, str]) -> str | None:
    if shape is None or isinstance(shape, str):
        return shape
    if shape[0] not in ids:
        ids[shape[0]] = str(next(rest))
    return ids[shape[0]]
