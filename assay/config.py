"""Strict settings: frozen dataclasses, read from YAML and dotted overrides.

An unknown key is an error with the nearest known one. Names of other tools and former names of TRL are
accepted, and each is answered with a notice that names its successor.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from assay.aliases import canonical
from assay.errors import SettingsError, did_you_mean

T = TypeVar("T")

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A settings file, with the line of every key so that an error can name it."""

    data: Mapping[str, Any]
    file: str = "settings"
    lines: Mapping[Path_, int] = field(default_factory=dict)

    def where(self, path: Path_) -> str:
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return f"{self.file}:{self.lines[path[:length]]}"
        return self.file

    def section(self, name: str) -> Document:
        """The mapping under a key, {} when absent. Raises SettingsError when it is no mapping."""
        value = self.data.get(name)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise SettingsError(f"'{name}' should be a mapping of settings", where=self.where((name,)))
        lines = {path[1:]: line for path, line in self.lines.items() if path[0] == name and len(path) > 1}
        return Document(value, self.file, lines)

    def override(self, assignments: Sequence[str]) -> Document:
        """The document with dotted overrides such as `train.lora_r=8` laid over it. Raises SettingsError."""
        data = _deep_copy(self.data)
        lines = dict(self.lines)
        for assignment in assignments:
            path, value = parse_override(assignment)
            node = data
            for key in path[:-1]:
                child = node.setdefault(key, {})
                if not isinstance(child, dict):
                    raise SettingsError(f"'{assignment}': '{key}' is not a section", fix="check the dotted name")
                node = child
            node[path[-1]] = value
            lines = {known: line for known, line in lines.items() if known[: len(path)] != path}
        return Document(data, self.file, lines)


def parse_override(assignment: str) -> tuple[Path_, Any]:
    """`a.b=1` -> (("a", "b"), 1); the value is read as YAML. Raises SettingsError."""
    import yaml

    dotted, separator, text = assignment.partition("=")
    path = tuple(dotted.strip().split("."))
    if not separator or not all(path):
        raise SettingsError(
            f"'{assignment}' is no override", fix="write section.name=value, for example train.lora_r=8"
        )
    try:
        return path, yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"'{assignment}': the value is not YAML", fix="quote it") from error


def read_document(path: Path) -> Document:
    """A YAML mapping. Raises SettingsError when it cannot be read, is not YAML, or repeats a key."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise SettingsError(
            f"cannot read settings ({reason})", where=str(path), fix="`assay init` writes a settings file"
        ) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise SettingsError(f"is not YAML ({getattr(error, 'problem', error)})", where=where) from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError("should hold a mapping of settings", where=str(path))
    lines: dict[Path_, int] = {}
    if node is not None:
        _collect_lines(node, (), lines, path)
    return Document(data, str(path), lines)


def parse(cls: type[T], document: Document) -> tuple[T, tuple[str, ...]]:
    """The settings and the notices about aliases. Raises SettingsError, one line, for the first fault."""
    notices: list[str] = []
    data = {**_known_keys(cls, document.data, (), document, notices), **_words_for_off(cls, document)}
    from pydantic import TypeAdapter, ValidationError

    try:
        settings = TypeAdapter(cls).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = tuple(str(part) for part in first["loc"])
        raise SettingsError(
            f"'{'.'.join(path)}': {_lower_first(first['msg'])} (it is {first['input']!r:.60})",
            where=document.where(path),
        ) from error
    except SettingsError as error:
        raise SettingsError(error.what, where=error.where or document.file, fix=error.fix) from error
    return settings, tuple(notices)


def _words_for_off(cls: type[Any], document: Document) -> dict[str, Any]:
    """YAML reads `off` as false: of text fields that know the word, which say so with metadata {"off": word}."""
    fields = {item.name: item.metadata["off"] for item in dataclasses.fields(cls) if "off" in item.metadata}
    return {name: word for name, word in fields.items() if document.data.get(name) is False}


def to_json(settings: Any) -> dict[str, Any]:
    """A settings dataclass after defaults, as the manifest keeps it."""
    return {key: _plain(value) for key, value in dataclasses.asdict(settings).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def _known_keys(
    cls: Any, data: Mapping[str, Any], path: Path_, document: Document, notices: list[str]
) -> dict[str, Any]:
    """`data` with aliases replaced by canonical names, nested dataclasses included."""
    types = typing.get_type_hints(cls)
    known = [item.name for item in dataclasses.fields(cls)]
    out: dict[str, Any] = {}
    for key, given in data.items():
        name, value = str(key), given
        if name not in known:
            alias = canonical(name, value, known)
            if alias is None:
                raise SettingsError(
                    f"unknown setting '{'.'.join((*path, name))}'",
                    where=document.where((*path, name)),
                    fix=did_you_mean(name, known),
                )
            notices.append(f"{document.where((*path, name))}: '{name}' is now '{alias.name}'{alias.note}")
            name, value = alias.name, alias.value
        if name in out:
            raise SettingsError(f"'{name}' is given twice", where=document.where((*path, str(key))))
        nested = _nested_dataclass(types[name])
        if nested is not None and isinstance(value, Mapping):
            value = _known_keys(nested, value, (*path, name), document, notices)
        elif nested is not None and isinstance(value, list):
            value = [
                _known_keys(nested, item, (*path, name, str(number)), document, notices)
                if isinstance(item, Mapping)
                else item
                for number, item in enumerate(value)
            ]
        out[name] = value
    return out


def _nested_dataclass(annotation: Any) -> Any:
    if dataclasses.is_dataclass(annotation):
        return annotation
    for argument in typing.get_args(annotation):
        if dataclasses.is_dataclass(argument) and typing.get_origin(annotation) is not dict:
            return argument
    return None


def _collect_lines(node: Any, path: Path_, lines: dict[Path_, int], file: Path) -> None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                raise SettingsError(f"'{name}' is given twice", where=f"{file}:{line}", fix="remove one of them")
            seen.add(name)
            lines[(*path, name)] = line
            _collect_lines(value, (*path, name), lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[(*path, str(number))] = item.start_mark.line + 1
            _collect_lines(item, (*path, str(number)), lines, file)


def _deep_copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _deep_copy(value) if isinstance(value, Mapping) else value for key, value in data.items()}


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def names(items: Iterable[Any]) -> list[str]:
    """The field names of a settings class; for `--help` and docs."""
    return [item.name for item in items]
