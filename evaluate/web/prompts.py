"""What the items of an evaluation asked, from the suites' own files: an evaluation keeps answers, and no prompts.

A file counts only where its sha256 is the one that was scored. So a prompt is never that of a later version, and a
path in an evaluation from elsewhere shows no other file of this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.records import Message
from assay.storage import sha256_file
from assay.suites import SuiteItem, read_suite
from assay.suites.task_files import TaskFile, item_id, question_of, task_files


@dataclass(frozen=True)
class Prompt:
    """messages: a conversation, of an own suite; text: the question of a task's data, without the words of its
    template; choices: of multiple choice, in the order of the log-likelihoods; {} of tools where there are none"""

    messages: tuple[Message, ...] = ()
    text: str = ""
    choices: tuple[str, ...] = ()
    tools: int = 0


def prompts(folder: Path, header: Mapping[str, Any], suite: str) -> Mapping[str, Prompt]:
    """By item id; {} where the suite's files are not there as they were scored."""
    result = next((found for found in header.get("suites", ()) if found.get("suite") == suite), None)
    settings = header.get("settings")
    if not isinstance(result, Mapping) or not isinstance(settings, Mapping):
        return {}
    digest = str(result.get("data_sha256"))
    if result.get("kind") == "lm_eval":
        return _of_tasks(suite, digest, _data_file(folder, settings, suite))
    return _of_suites(suite, digest, tuple(str(folder / str(path)) for path in _listed(settings.get("suites"))))


def _data_file(folder: Path, settings: Mapping[str, Any], suite: str) -> str:
    paths = settings.get("paths")
    files = paths.get("suites") if isinstance(paths, Mapping) else None
    given = files.get(suite) if isinstance(files, Mapping) else None
    return str(folder / str(given)) if given else ""


def _listed(given: Any) -> list[str]:
    if isinstance(given, list | tuple):
        return [str(path) for path in given]
    return [str(given)] if given else []


@lru_cache(maxsize=64)
def _of_suites(suite: str, digest: str, named: tuple[str, ...]) -> dict[str, Prompt]:
    """What is named in the evaluation first, then what comes with assay: a store may have moved."""
    for path in (*map(Path, named), *_bundled_suites()):
        try:
            found = read_suite(path)
        except (AssayError, OSError):
            continue
        if found.name == suite and found.data_sha256 == digest:
            return {item.id: _of_item(item) for item in found.items}
    return {}


@lru_cache(maxsize=64)
def _of_tasks(suite: str, digest: str, data: str) -> dict[str, Prompt]:
    """The task's YAML is looked for beside its data, once the data is known to be what was scored."""
    beside = [Path(data).parent] if data and _has_digest(Path(data), digest) else []
    for task in _tasks((*beside, *_bundled_folders())):
        if task.name == suite and _is(task, digest):
            return dict(_of_task(task))
    return {}


def _tasks(folders: tuple[Path, ...]) -> Iterator[TaskFile]:
    for folder in folders:
        try:
            yield from task_files(folder)
        except (AssayError, OSError):
            continue


def _bundled_folders() -> list[Path]:
    from assay.suites.general import TIERS, tier_folder

    return [tier_folder(tier) for tier in TIERS]


def _bundled_suites() -> list[Path]:
    from assay.suites.general import TIERS, general_suites

    return [path for tier in TIERS for path in general_suites(tier).suites]


def _is(task: TaskFile, digest: str) -> bool:
    files = task.data.get(task.split, ())
    return len(files) == 1 and _has_digest(files[0], digest)


def _has_digest(path: Path, digest: str) -> bool:
    try:
        return sha256_file(path) == digest
    except OSError:
        return False


def _of_item(item: SuiteItem) -> Prompt:
    return Prompt(item.messages, choices=item.choices, tools=len(item.tools))


def _of_task(task: TaskFile) -> Iterator[tuple[str, Prompt]]:
    asked, options = task.config.get("doc_to_text"), task.config.get("doc_to_choice")
    for number, row in enumerate(task.documents()):
        choices = row.get(options) if isinstance(options, str) else options
        named = tuple(map(str, choices)) if isinstance(choices, list) else ()
        yield item_id(row, number), Prompt(text=question_of(row, asked), choices=named)
