"""What the cells of a row may hold: text, lists of tools, tool calls."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from assay.formats.format import Unreadable
from assay.records import Json, ToolCall


def describe(value: Json) -> str:
    """A value in words, short enough for an error."""
    if value is None or is_nan(value):
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value:.12g}" if isinstance(value, float) else "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list | tuple) else "an object"


def is_nan(value: Json) -> bool:
    return isinstance(value, float) and math.isnan(value)


def text(value: Json, where: str) -> str:
    """The value when it is text; raises Unreadable. A number is no text unless `columns` asks for it."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and not is_nan(value):
        raise Unreadable(
            f"{where} is {describe(value)}, not text; quote it, or name the column in `columns` to read numbers as text"
        )
    raise Unreadable(f"{where} is {describe(value)}, not text")


def optional_text(value: Json, where: str) -> str:
    """ "" for an absent, null or NaN cell; otherwise as `text`."""
    return "" if value is None or is_nan(value) else text(value, where)


def parse_json(value: str, where: str) -> Json:
    try:
        return json.loads(value)
    except ValueError as error:
        raise Unreadable(f"{where} is not JSON ({error})") from error


def json_list(value: Json, where: str) -> list[Json]:
    """A list, or text that holds a JSON list, as CSV cells do."""
    if isinstance(value, str):
        value = parse_json(value, where)
    if isinstance(value, list | tuple):
        return list(value)
    if hasattr(value, "tolist"):
        return list(value.tolist())
    raise Unreadable(f"{where} is {describe(value)}, not a list")


def read_tools(value: Json, where: str = "tools") -> tuple[Json, ...]:
    """Declared tools in OpenAI's schema, bare functions wrapped; from a list, one object, or JSON text of either."""
    if isinstance(value, str):
        value = parse_json(value, where) if value.strip() else None
    if value is None or is_nan(value):
        return ()
    if isinstance(value, Mapping):
        value = [value]
    return tuple(_tool(item, where) for item in json_list(value, where))


def _tool(item: Json, where: str) -> Json:
    if isinstance(item, str):
        item = parse_json(item, where)
    if not isinstance(item, Mapping):
        raise Unreadable(f"{where} holds {describe(item)} where a tool should be declared")
    if isinstance(item.get("function"), Mapping):
        return {"type": "function", **item}
    if "name" in item:
        return {"type": "function", "function": {key: value for key, value in item.items() if key != "type"}}
    return dict(item)


def bare_tool(tool: Json) -> Json:
    """The inverse of the wrapping: the function alone, where nothing else is said of the tool."""
    return tool["function"] if set(tool) == {"type", "function"} and "type" not in tool["function"] else tool


def read_call(value: Json, where: str) -> ToolCall:
    """{"name", "arguments"}, as it is or under "function"."""
    if not isinstance(value, Mapping):
        raise Unreadable(f"{where} is {describe(value)}, not an object with a name and arguments")
    function = value.get("function")
    body: Mapping[str, Json] = function if isinstance(function, Mapping) else value
    name = body.get("name")
    if not isinstance(name, str):
        raise Unreadable(f"{where} names no function")
    arguments = body.get("arguments", body.get("parameters"))
    call_id = value.get("id")
    return ToolCall(name, read_arguments(arguments), None if call_id is None else str(call_id))


def read_calls_text(value: str) -> tuple[ToolCall, ...]:
    """The calls in a ShareGPT function_call turn. Text that is no call stays as the arguments of a nameless one."""
    try:
        parsed = json.loads(value)
        calls = parsed if isinstance(parsed, list) and parsed else [parsed]
        return tuple(read_call(call, "function_call") for call in calls)
    except (ValueError, Unreadable):
        return (ToolCall("", value),)


def read_arguments(value: Json) -> Json:
    """Parsed JSON where it holds an object or a list, otherwise the text as it is."""
    if value is None:
        return {}
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            return value
        return parsed if isinstance(parsed, dict | list) else value
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, list | tuple) else json.dumps(value, default=str)


def arguments_text(arguments: Json) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
