"""Reads domain suites: a small YAML beside a file of items (items.py).

    version: 1
    name: support
    data: support.jsonl
    scorer: {name: json_fields, fields: [intent]}
    max_new_tokens: 64
    apply_chat_template: true
    role: domain

Everything is strict: an unknown key or a file that is not there is an error with its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from assay.errors import SettingsError, SuiteError
from assay.records import Json, Message
from assay.suites.items import SuiteItem, read_items

CONTEXT_KEYS = ("messages", "choices", "tools", "source", "tests")
"""What a scorer may need of an item beside its reference."""


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
    from assay.suites.task_files import task_files

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
        items=tuple(read_items(data)),
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
