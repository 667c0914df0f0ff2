"""Reads domain suites: a small YAML beside a file of items (JSONL, CSV or Parquet).

    version: 1
    name: support
    data: support.jsonl
    scorer: {name: json_fields, fields: [intent]}
    max_new_tokens: 64
    apply_chat_template: true
    role: domain

An item has `id`, `messages` or `prompt`, `reference`, and may have `choices`, `slice`, `cluster`, `tools`, `source`,
`tests`.
Everything is strict: an unknown key, a duplicate id or a missing reference is an error with its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from assay.errors import SettingsError, SuiteError, did_you_mean
from assay.records import ROLES, Json, Message, ToolCall, message_from_json

ITEM_KEYS = ("id", "messages", "prompt", "reference", "choices", "slice", "cluster", "tools", "source", "tests")
CONTEXT_KEYS = ("messages", "choices", "tools", "source", "tests")
"""What a scorer may need of an item beside its reference."""

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


@dataclass(frozen=True)
class Suite:
    """A suite, validated. path is its YAML, data_path the file of items, data_sha256 the latter's.

    role  what it is for where a policy names no suites: the task that is trained, or general ability
    """

    name: str
    path: Path
    items: tuple[SuiteItem, ...]
    scorer: str
    scorer_settings: Mapping[str, Json] = field(default_factory=dict)
    max_new_tokens: int = 64
    apply_chat_template: bool = True
    data_sha256: str = ""
    data_path: Path = Path()
    role: Literal["domain", "general"] = "domain"


@dataclass(frozen=True, slots=True)
class EvaluationText:
    """The prompt of an evaluation item as a leak check compares it: see `prompt_text`."""

    suite: str
    item_id: str
    text: str


def prompt_text(messages: Sequence[Message]) -> str:
    """What the user wrote, turn by turn: system prompts are shared by all items and would hide a leak."""
    return "\n".join(message.content or "" for message in messages if message.role == "user")


class PromptKeys(NamedTuple):
    """A prompt as a leak check compares it without having the text: sha256, first 16 hex digits.

    exact tells outer white space from nothing; normalised also leaves out case and punctuation.
    """

    exact: str
    normalised: str


def prompt_keys(text: str) -> PromptKeys:
    """The keys that training records beside an adapter carry, and that items of suites are looked up by."""
    from assay.text import normalize

    forms = (text.strip(), normalize(text))
    return PromptKeys(*(hashlib.sha256(form.encode("utf-8", "backslashreplace")).hexdigest()[:16] for form in forms))


def evaluation_texts(
    suites: Sequence[Suite], task_folders: Sequence[Path] = (), tasks: Sequence[str] = ()
) -> list[EvaluationText]:
    """The prompts of all items of the suites, and of the lm-eval tasks with local data in the folders.

    tasks limits the latter by name; empty means all. Raises SuiteError for a task whose data cannot be read.
    """
    from assay.task_files import task_files

    texts = [
        EvaluationText(suite.name, item.id, prompt_text(item.messages)) for suite in suites for item in suite.items
    ]
    for folder in task_folders:
        for task in task_files(folder):
            if not tasks or task.name in tasks:
                texts += [EvaluationText(task.name, item_id, text) for item_id, text in task.texts()]
    return texts


def suite_name(source: str) -> str:
    """A name for the suite of a data source: letters, digits, - and _, for it becomes the name of files."""
    stem = Path(source).name.partition(".")[0]
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in stem) or "domain"


def read_suites(paths: Sequence[Path | str]) -> tuple[Suite, ...]:
    """Raises SuiteError for a suite that cannot be scored, or when two share a name."""
    suites = tuple(read_suite(Path(path)) for path in paths)
    seen: dict[str, Path] = {}
    for suite in suites:
        if suite.name in seen:
            raise SuiteError(
                f"'{suite.name}' is also the name of {seen[suite.name]}",
                where=str(suite.path),
                fix="rename one of them",
            )
        seen[suite.name] = suite.path
    return suites


def read_suite(path: Path) -> Suite:
    """Raises SuiteError, one line, for the first fault in the YAML or in the data file beside it."""
    from assay.config import parse, read_document
    from assay.storage import sha256_file

    if not path.is_file():
        raise SuiteError("there is no such suite", where=str(path), fix="`assay suite init DATA` makes one")
    try:
        document = read_document(path)
        header, _ = parse(_SuiteFile, document)
    except SettingsError as error:
        raise SuiteError(error.what, where=error.where, fix=error.fix or "docs/suites.md shows a suite") from error
    if header.version != 1:
        raise SuiteError(f"is of version {header.version}; this assay reads 1", where=document.where(("version",)))
    if header.max_new_tokens < 1 or not header.name.strip():
        key = "name" if not header.name.strip() else "max_new_tokens"
        raise SuiteError(f"'{key}' is empty or not positive", where=document.where((key,)))
    scorer, settings = _scorer(header.scorer, document.where(("scorer",)))
    settings = _beside(settings, path.parent, document.where(("scorer",)))
    data = path.parent / header.data
    if not data.is_file():
        raise SuiteError(f"there is no data file '{header.data}'", where=document.where(("data",)))
    return Suite(
        name=header.name,
        path=path,
        items=tuple(_unique(_items(data), data)),
        scorer=scorer,
        scorer_settings=settings,
        max_new_tokens=header.max_new_tokens,
        apply_chat_template=header.apply_chat_template,
        data_sha256=sha256_file(data),
        data_path=data,
        role=header.role,
    )


@dataclass(frozen=True)
class _SuiteFile:
    """The YAML as it is written."""

    name: str
    data: str
    scorer: str | dict[str, Any]
    version: int = 1
    max_new_tokens: int = 64
    apply_chat_template: bool = True
    role: Literal["domain", "general"] = "domain"


def _scorer(given: str | dict[str, Any], where: str) -> tuple[str, dict[str, Json]]:
    """`scorer: contains` and `scorer: {name: contains, ...}` alike."""
    settings = {"name": given} if isinstance(given, str) else dict(given)
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise SuiteError("the scorer has no name", where=where, fix="write scorer: {name: exact_match}")
    return name, settings


FILES_OF_A_SCORER = {"file": "sha256", "labels": "labels_sha256"}
"""Settings of a scorer that name a file beside the suite, and those that its digest goes into."""


def _beside(settings: dict[str, Json], folder: Path, where: str) -> dict[str, Json]:
    """A scorer's files are found beside the suite; digests go along, since scores depend on what is in them."""
    from assay.storage import sha256_file

    found = dict(settings)
    for key, digest in FILES_OF_A_SCORER.items():
        given = settings.get(key)
        if not isinstance(given, str) or not given:
            continue
        path = folder / given
        if not path.is_file():
            raise SuiteError(f"there is no file '{given}' for the scorer", where=where)
        found |= {key: str(path), digest: sha256_file(path)}
    return found


def _unique(items: Iterator[tuple[str, SuiteItem]], file: Path) -> Iterator[SuiteItem]:
    seen: dict[str, str] = {}
    for where, item in items:
        if item.id in seen:
            raise SuiteError(f"id '{item.id}' was given before, at {seen[item.id]}", where=where)
        seen[item.id] = where
        yield item
    if not seen:
        raise SuiteError(
            "the suite holds no items", where=str(file), fix="write one JSON object a line: id, prompt, reference"
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
