"""The shape of the tools that a record declares, and what of them are contents: names of functions, and descriptions.

Data sets in which each record declares tools of its own differ in those, and in little else. All else is shape:
parameters, their types, what is required, the order of keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import NamedTuple

from assay.chat.tool_rendering import tool_name
from assay.records import Json

LONGEST_MARGIN = 8

_CUT = re.compile(r'"(name|description)": "((?:[^"\\]|\\.)+)"')
"""In JSON text, where a quotation mark inside a string has a backslash before it."""

UNSEEN = -1

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,63}")


class Name(str):
    """The name of a declared function, among contents."""

    __slots__ = ()


class ToolOutline(NamedTuple):
    """shape: JSON text, with the number of a content where one stands.

    names  {name of a function: its number among the contents}; UNSEEN where messages tell whether it is one
    """

    shape: tuple[str | int, ...]
    contents: tuple[str, ...]
    names: Mapping[str, int]


def tool_outline(tools: Sequence[Json]) -> ToolOutline:
    """Raises ValueError for tools that are no JSON."""
    text = _written(tools)
    functions = {name for name in map(tool_name, tools) if NAME.fullmatch(name)}
    shape: list[str | int] = []
    contents: list[str] = []
    names: dict[str, int] = {}
    at = 0
    for match in _CUT.finditer(text):
        key, raw = match.groups()
        value = raw if "\\" not in raw else str(json.loads(f'"{raw}"'))
        before, core, after = _margins(value)
        if not core or (value not in functions if key == "name" else len(before + after) > LONGEST_MARGIN):
            continue
        number = names.get(value, len(contents)) if key == "name" else len(contents)
        if number == len(contents):
            contents.append(Name(core) if key == "name" else core)
        if key == "name":
            names[value] = number
        shape += (text[at : match.start(2)] + _encoded(before), number)
        at = match.end(2) - len(_encoded(after))
    return ToolOutline((*shape, text[at:]), tuple(contents), names)


def exact_outline(tools: Sequence[Json]) -> ToolOutline:
    """All of it is shape. Raises ValueError for tools that are no JSON."""
    return ToolOutline((_written(tools),), (), {})


def unread_outline(tools: Sequence[Json]) -> ToolOutline:
    """For templates that do not read the tools: they have no shape, and messages may call them by their names."""
    return ToolOutline((), (), dict.fromkeys(map(tool_name, tools), UNSEEN))


def declared(shape: Sequence[str | int], contents: Sequence[object]) -> list[Json]:
    """The tools of a shape with these contents: the inverse of `tool_outline`."""
    parts = (part if isinstance(part, str) else _encoded(str(contents[part])) for part in shape)
    tools: list[Json] = json.loads("".join(parts))
    return tools


def _written(tools: Sequence[Json]) -> str:
    """As they are sent to the template (`assay.chat_templates.templating`), escapes aside."""
    return json.dumps(list(tools), ensure_ascii=False, default=str)


def _margins(value: str) -> tuple[str, str, str]:
    core = value.strip()
    if len(core) == len(value) or not core:
        return "", core, ""
    start = value.index(core)
    return value[:start], core, value[start + len(core) :]


def _encoded(text: str) -> str:
    return encode_basestring(text)[1:-1]
