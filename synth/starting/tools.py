"""Declared tools: read from a file or from records, and whether a call's arguments are what they declare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import SettingsError, missing_extra
from assay.records import Json, Record


@dataclass(frozen=True)
class Tool:
    """A declared function. declaration is in OpenAI's shape, {"type": "function", "function": {...}}."""

    name: str
    description: str
    parameters: Mapping[str, Json]
    declaration: Json


def read_tools(path: str) -> list[Tool]:
    """A JSON file with an array of declared tools. Raises SettingsError."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the tools ({error.strerror})", where=path) from error
    except ValueError as error:
        raise SettingsError("is not JSON", where=path, fix="write an array of tools in OpenAI's shape") from error
    if not isinstance(found, list) or not found:
        raise SettingsError("should hold an array of tools", where=path, fix="in OpenAI's shape")
    return [tool_of(item, where=f"{path}, tool {number + 1}") for number, item in enumerate(found)]


def tools_of(records: Sequence[Record]) -> list[Tool]:
    """The tools that records declare, each once, in the order in which they first stand."""
    found: dict[str, Tool] = {}
    for record in records:
        for item in record.tools:
            found.setdefault(json.dumps(item, sort_keys=True, default=str), tool_of(item, where=str(record.source)))
    return list(found.values())


def tool_of(item: Json, where: str) -> Tool:
    """Raises SettingsError for what declares no function, or whose parameters are no JSON schema."""
    function = item.get("function", item) if isinstance(item, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name, str) or not name:
        raise SettingsError(
            "declares no function", where=where, fix='write {"type": "function", "function": {"name": ...}}'
        )
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    validator(parameters, where)
    return Tool(name, str(function.get("description") or ""), parameters, {"type": "function", "function": function})


def validator(schema: Mapping[str, Json], where: str) -> Any:
    """What finds the problems of arguments; a schema elsewhere is never fetched. Raises SettingsError."""
    try:
        import jsonschema
        from referencing import Registry
    except ImportError as error:
        raise missing_extra("synth", error) from error
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise SettingsError(f"its parameters are no JSON schema ({error.message[:80]})", where=where) from error
    return kind(schema, registry=Registry())


def problem(arguments: Json, tool: Tool) -> str | None:
    """The first way in which arguments are not what the tool declares, None when they are.

    A name that is not declared is one, unless the schema says that there may be more.
    """
    if not isinstance(arguments, Mapping):
        return "the arguments are no object"
    from referencing.exceptions import Unresolvable

    try:
        errors = sorted(
            validator(tool.parameters, tool.name).iter_errors(dict(arguments)), key=lambda error: error.path
        )
    except Unresolvable:
        return "the tool's schema points elsewhere"
    if errors:
        place = "/".join(map(str, errors[0].path))
        return f"{place}: {errors[0].message[:100]}" if place else str(errors[0].message[:100])
    declared = tool.parameters.get("properties")
    if isinstance(declared, Mapping) and not tool.parameters.get("additionalProperties"):
        extra = [name for name in arguments if name not in declared]
        if extra and not tool.parameters.get("patternProperties"):
            return f"the argument '{extra[0]}' is not declared"
    return None
