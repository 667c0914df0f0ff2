"""Reads lm-eval task YAML with local data: names, data files and the texts of its items, without lm-eval.

A leak check needs what an item asks, not how a template frames it: the text of an item is made of the
columns that `doc_to_text` names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import SuiteError

DATA_SUFFIXES = {"json": (".json", ".jsonl"), "csv": (".csv",), "parquet": (".parquet",)}


@dataclass(frozen=True)
class TaskFile:
    """One task. data maps a split to its files, absolute; empty when the task loads a data set by name."""

    name: str
    path: Path
    config: Mapping[str, Any]
    data: Mapping[str, tuple[Path, ...]]

    @property
    def tags(self) -> tuple[str, ...]:
        given = self.config.get("tag") or ()
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def split(self) -> str:
        """The split that lm-eval scores."""
        return str(self.config.get("test_split") or self.config.get("validation_split") or "test")

    def documents(self) -> list[Mapping[str, Any]]:
        """The rows that are scored; [] for a task without local data. Raises SuiteError."""
        field = (self.config.get("dataset_kwargs") or {}).get("field")
        return [row for path in self.data.get(self.split, ()) for row in _read_rows(path, field)]

    def texts(self) -> Iterator[tuple[str, str]]:
        """(item id, text) of every scored row."""
        columns: Sequence[str] | None = None
        for number, row in enumerate(self.documents()):
            columns = columns if columns is not None else _text_columns(self.config.get("doc_to_text"), row)
            yield item_id(row, number), _texts_of(row, columns)


def item_id(document: Mapping[str, Any], number: int) -> str:
    """The row's own `id`, else its number in the split."""
    given = document.get("id")
    return str(given) if isinstance(given, str | int) and not isinstance(given, bool) else str(number)


def question_of(document: Mapping[str, Any], doc_to_text: Any) -> str:
    """What a document asks: the columns that `doc_to_text` names, without the words around them."""
    return _texts_of(document, _text_columns(doc_to_text, document))


def _texts_of(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    return "\n".join(str(row[name]) for name in columns if row.get(name) is not None)


def task_files(folder: Path) -> list[TaskFile]:
    """Every task below the folder, by path; groups are left out. Raises SuiteError for unreadable YAML."""
    if not folder.is_dir():
        raise SuiteError("there is no folder of task files", where=str(folder))
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        config = _load(path)
        if isinstance(config.get("task"), str):
            found.append(TaskFile(config["task"], path, config, _data_files(config, path)))
    return found


def tasks_in(folders: Sequence[Path]) -> dict[str, TaskFile]:
    """Every task below the folders, by name. A folder may lie in another; its tasks are taken once.

    Raises SuiteError where two files define one task: lm-eval would take either.
    """
    files = {task.path.resolve(): task for folder in folders for task in task_files(folder)}
    found: dict[str, TaskFile] = {}
    for task in files.values():
        if task.name in found:
            raise SuiteError(
                f"defines the task '{task.name}', as {found[task.name].path} does",
                where=str(task.path),
                fix="rename one of them",
            )
        found[task.name] = task
    return found


def _load(path: Path, seen: frozenset[Path] = frozenset()) -> dict[str, Any]:
    """The YAML with its `include` resolved; `!function` and other tags become None."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    try:
        config = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError("cannot be read", where=str(path)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SuiteError("is not YAML", where=f"{path}:{mark.line + 1}" if mark else str(path)) from error
    if not isinstance(config, dict):
        return {}
    merged: dict[str, Any] = {}
    includes = config.pop("include", None) or []
    for include in [includes] if isinstance(includes, str) else includes:
        target = path.parent / include
        if target.resolve() in seen:
            raise SuiteError(f"includes itself through '{include}'", where=str(path))
        merged |= _load(target, seen | {path.resolve()})
    return merged | config


def _data_files(config: Mapping[str, Any], path: Path) -> dict[str, tuple[Path, ...]]:
    """Relative names are taken from the YAML's folder (lm-eval itself would take the working directory)."""
    given = (config.get("dataset_kwargs") or {}).get("data_files")
    if given is None or config.get("dataset_path") not in DATA_SUFFIXES:
        return {}
    splits = given if isinstance(given, dict) else {"train": given}
    return {
        str(split): tuple((path.parent / name).resolve() for name in ([names] if isinstance(names, str) else names))
        for split, names in splits.items()
    }


def _read_rows(path: Path, field: str | None) -> list[Mapping[str, Any]]:
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            rows: Any = pq.read_table(path).to_pylist()
        elif path.suffix == ".csv":
            import csv

            rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(keepends=True)))
        else:
            rows = _json_rows(path.read_text(encoding="utf-8-sig"), field)
    except OSError as error:
        raise SuiteError(f"cannot be read ({error.strerror or error})", where=str(path)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SuiteError(f"is not what its name and the task say ({error})", where=str(path)) from error
    return [row for row in rows if isinstance(row, Mapping)]


def _json_rows(text: str, field: str | None) -> list[Any]:
    if field is not None:
        return list(json.loads(text)[field])
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _text_columns(doc_to_text: Any, row: Mapping[str, Any]) -> Sequence[str]:
    """The columns that the prompt is made of, in its order; the longest text where it is code."""
    if isinstance(doc_to_text, str):
        if doc_to_text in row:
            return [doc_to_text]
        named = [name for name in re.findall(r"[A-Za-z_]\w*", doc_to_text) if isinstance(row.get(name), str)]
        if named:
            return list(dict.fromkeys(named))
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    return sorted(texts, key=lambda name: -len(texts[name]))[:1]
