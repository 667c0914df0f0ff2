"""Do a tool call's arguments fit what the tool declares? The part of JSON Schema that tool declarations use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.records import Json

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}


def declared_tools(tools: Sequence[Json]) -> dict[str, Mapping[str, Any]]:
    """{name: parameters}; takes {"type": "function", "function": {...}} and the bare function."""
    found: dict[str, Mapping[str, Any]] = {}
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if isinstance(function, Mapping) and isinstance(function.get("name"), str):
            parameters = function.get("parameters")
            found[function["name"]] = parameters if isinstance(parameters, Mapping) else {}
    return found


def argument_problems(arguments: Json, schema: Mapping[str, Any]) -> Iterator[str]:
    """One line for each way in which the arguments differ from the schema of an object."""
    if not isinstance(arguments, Mapping):
        yield "the arguments do not parse as a JSON object"
        return
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in arguments:
            yield f"the argument '{name}' is missing"
    open_ended = "properties" not in schema or schema.get("additionalProperties") not in (None, False)
    for name, value in arguments.items():
        if name in properties:
            yield from _value_problems(f"'{name}'", value, properties[name])
        elif not open_ended:
            yield f"the argument '{name}' is not declared"


def _value_problems(path: str, value: Json, schema: Any) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    wanted = schema.get("type")
    names = [str(name).lower() for name in (wanted if isinstance(wanted, list) else [wanted]) if name is not None]
    known = [name for name in names if name in _TYPES]
    if known and not any(_is(value, name) for name in known):
        yield f"{path} is {_name(value)}, but should be {' or '.join(known)}"
        return
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        shown = ", ".join(map(str, choices[:6])) + (", ..." if len(choices) > 6 else "")
        yield f"{path} is {str(value)[:40]!r}, which is none of {shown}"
    if isinstance(value, Mapping) and isinstance(schema.get("properties"), Mapping):
        yield from (f"in {path}: {problem}" for problem in argument_problems(value, schema))
    if isinstance(value, list):
        for item in value[:100]:
            yield from _value_problems(f"an item of {path}", item, schema.get("items"))


def _is(value: Json, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _name(value: Json) -> str:
    return next(name for name in ("boolean", *_TYPES, "object") if name == "object" or _is(value, name))
