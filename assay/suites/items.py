"""Items of a domain suite: what one holds, and the JSONL, CSV or Parquet that they are read from.

An item has `id`, `messages` or `prompt`, `reference`, and may have `choices`, `slice`, `cluster`, `tools`, `source`,
`tests`.
Everything is strict: an unknown key, a duplicate id or a missing reference is an error with its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.errors import SuiteError, did_you_mean
from assay.records import ROLES, Json, Message, ToolCall, message_from_json

ITEM_KEYS = ("id", "messages", "prompt", "reference", "choices", "slice", "cluster", "tools", "source", "tests")
MESSAGE_KEYS = ("role", "content", "name", "tool_calls", "tool_call_id")


@dataclass(frozen=True, slots=True)
class SuiteItem:
    """One item. choices is empty unless the suite is multiple choice; cluster ties items that share a source.

    reference is text: a number or an object in the data file becomes its JSON, a choice's index its text; structured
    says that it was a list or an object. source is what the answer must be taken from; tests are programs that an
    answer in code must pass.
    """

    id: str
    messages: tuple[Message, ...]
    reference: str
    choices: tuple[str, ...] = ()
    slice: str | None = None
    cluster: str | None = None
    tools: tuple[Json, ...] = ()
    source: str | None = None
    tests: tuple[str, ...] = ()
    structured: bool = False


def read_items(path: Path) -> Iterator[SuiteItem]:
    """Every item of a file, in order. Raises SuiteError for the first that is none, and for a file without any."""
    seen: dict[str, str] = {}
    for where, item in _items(path):
        if item.id in seen:
            raise SuiteError(f"id '{item.id}' was given before, at {seen[item.id]}", where=where)
        seen[item.id] = where
        yield item
    if not seen:
        raise SuiteError(
            "the suite holds no items", where=str(path), fix="write one JSON object a line: id, prompt, reference"
        )


def _items(path: Path) -> Iterator[tuple[str, SuiteItem]]:
    """(place, item) for every row of the data file."""
    for where, row in _rows(path):
        yield where, _item(row, where)


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return _jsonl_rows(path)
    if suffix in (".csv", ".tsv"):
        return _csv_rows(path, "\t" if suffix == ".tsv" else ",")
    if suffix == ".parquet":
        return _parquet_rows(path)
    raise SuiteError(f"'{suffix}' is no format of suite data", where=str(path), fix="use .jsonl, .csv or .parquet")


def _jsonl_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise SuiteError(f"is not JSON ({error.msg}, column {error.colno})", where=where) from error
        if not isinstance(row, dict):
            raise SuiteError("an item should be a JSON object", where=where)
        yield where, row


def _csv_rows(path: Path, delimiter: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Empty cells are absent keys; `choices`, `messages` and `tools` are JSON text."""
    import csv
    import io

    reader = csv.DictReader(io.StringIO(_text(path)), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            where = f"{path}:{reader.line_num}"
            if None in cells or None in cells.values():
                raise SuiteError("the row has more or fewer cells than the header", where=where)
            row: dict[str, Any] = {key: value for key, value in cells.items() if value != ""}
            for key in ("choices", "messages", "tools"):
                if key in row:
                    row[key] = _parse_cell(row[key], key, where)
            yield where, row
    except csv.Error as error:
        raise SuiteError(f"is not CSV ({error})", where=f"{path}:{reader.line_num}") from error


def _parse_cell(text: str, key: str, where: str) -> Json:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SuiteError(f"'{key}' should be JSON in a CSV file ({error.msg})", where=where) from error


def _parquet_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise SuiteError(f"cannot be read as Parquet ({error})", where=str(path)) from error
    for number, row in enumerate(table.to_pylist()):
        yield f"{path} row {number}", {key: value for key, value in row.items() if value is not None}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SuiteError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SuiteError("is not UTF-8", where=f"{path}:{line}", fix="save it as UTF-8") from error


def _item(row: Mapping[str, Any], where: str) -> SuiteItem:
    for key in row:
        if key not in ITEM_KEYS:
            raise SuiteError(f"unknown key '{key}'", where=where, fix=did_you_mean(key, ITEM_KEYS))
    for key in ("id", "reference"):
        if row.get(key) is None:
            raise SuiteError(f"'{key}' is missing", where=where, fix="every item has id, messages or prompt, reference")
    if not isinstance(row["id"], str | int) or isinstance(row["id"], bool) or str(row["id"]) == "":
        raise SuiteError("'id' should be text or a whole number", where=where)
    choices = _choices(row.get("choices"), where)
    return SuiteItem(
        id=str(row["id"]),
        messages=_messages(row, where),
        reference=_reference(row["reference"], choices, where),
        choices=choices,
        slice=_label(row, "slice", where),
        cluster=_label(row, "cluster", where),
        tools=_tools(row.get("tools"), where),
        source="\n\n".join(_texts(row, "source", where)) or None,
        tests=_texts(row, "tests", where),
        structured=isinstance(row["reference"], list | dict),
    )


def _reference(given: Any, choices: tuple[str, ...], where: str) -> str:
    if choices:
        if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < len(choices):
            return choices[given]
        if given not in choices:
            raise SuiteError(f"the reference {given!r:.60} is none of the choices", where=where)
        return str(given)
    if isinstance(given, str):
        return given
    if isinstance(given, bool | int | float | dict | list):
        return json.dumps(given, ensure_ascii=False)
    raise SuiteError("'reference' should be text, a number or JSON", where=where)


def _choices(given: Any, where: str) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(choice, str) and choice for choice in given):
        raise SuiteError("'choices' should be a list of texts, none empty", where=where)
    if len(given) < 2 or len(set(given)) < len(given):
        raise SuiteError("'choices' should hold two or more, all different", where=where)
    return tuple(given)


def _tools(given: Any, where: str) -> tuple[Json, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(tool, dict) for tool in given):
        raise SuiteError("'tools' should be a list of objects", where=where)
    return tuple(given)


def _texts(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """One text, or a list of them."""
    given = row.get(key)
    if given is None:
        return ()
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise SuiteError(f"'{key}' should be text, or a list of texts, none empty", where=where)
    return tuple(texts)


def _label(row: Mapping[str, Any], key: str, where: str) -> str | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise SuiteError(f"'{key}' should be text", where=where)
    return str(value)


def _messages(row: Mapping[str, Any], where: str) -> tuple[Message, ...]:
    """The conversation up to the answer that is asked for."""
    if ("messages" in row) == ("prompt" in row):
        raise SuiteError("an item has either 'messages' or 'prompt'", where=where)
    if "prompt" in row:
        if not isinstance(row["prompt"], str) or not row["prompt"].strip():
            raise SuiteError("'prompt' should be text", where=where)
        return (Message("user", row["prompt"]),)
    given = row["messages"]
    if not isinstance(given, list) or not given:
        raise SuiteError("'messages' should be a list of messages", where=where)
    messages = tuple(_message(message, where) for message in given)
    if messages[-1].role not in ("user", "tool"):
        raise SuiteError(
            f"the last message is of role '{messages[-1].role}', but the answer is asked for after it",
            where=where,
            fix="end with the user's message and put the expected answer in 'reference'",
        )
    return messages


def _message(given: Any, where: str) -> Message:
    if not isinstance(given, dict) or given.get("role") not in ROLES:
        raise SuiteError(f"a message should have one of the roles {', '.join(ROLES)}", where=where)
    content = {key: value for key, value in given.items() if value is not None}
    for key in content:
        if key not in MESSAGE_KEYS:
            raise SuiteError(f"unknown key '{key}' in a message", where=where, fix=did_you_mean(key, MESSAGE_KEYS))
    if not isinstance(content.get("content", ""), str):
        raise SuiteError("the content of a message should be text", where=where)
    try:
        message = message_from_json(content)
    except (KeyError, TypeError) as error:
        raise SuiteError("a tool call should be {'function': {'name', 'arguments'}}", where=where) from error
    return replace(message, tool_calls=tuple(map(_call, message.tool_calls))) if message.tool_calls else message


def _call(call: ToolCall) -> ToolCall:
    """With arguments as an object, where they are its JSON as text, which is how the API of OpenAI sends them."""
    from assay.formats.values import read_arguments

    return replace(call, arguments=read_arguments(call.arguments))
