"""The models whose templates are judged: as many as are named, each with its tokenizer or as a template alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from assay.chat import ChatTarget, TextTarget


@dataclass(frozen=True)
class Loaded:
    """target, or why there is none: a template that is of no use is a row of the table, not the end of the run."""

    name: str
    target: ChatTarget | TextTarget | None
    why: str = ""


@dataclass(frozen=True)
class Named:
    """A model or template by the name that tables show, and where it is."""

    name: str
    place: str


def load_model(named: Named, *, offline: bool, say: Callable[[str], None]) -> ChatTarget | TextTarget:
    """A model with its tokenizer; a .jinja file, or a folder without a tokenizer, as a template alone.

    Raises ModelError.
    """
    from assay.chat.text_target import is_template_alone, load_text_target

    if is_template_alone(named.place):
        return load_text_target(named.place)
    from assay.chat import load_target

    return load_target(named.place, offline=offline, say=say)


def load_models(names: Sequence[Named], *, offline: bool, say: Callable[[str], None]) -> list[Loaded]:
    """Each with its target, or with the one line that says why it has none."""
    out = []
    for named in names:
        try:
            out.append(Loaded(named.name, load_model(named, offline=offline, say=say)))
        except ModelError as error:
            out.append(Loaded(named.name, None, error.what))
    return out


def templates_in(patterns: Sequence[str]) -> list[Named]:
    """Template files and folders with a chat template: those that are named, those that a glob or a folder holds.

    Raises SettingsError when there is none.
    """
    out: dict[str, Named] = {}
    for pattern in patterns:
        found = list(_below(Path(pattern).expanduser()))
        if not found:
            found = [named for path in _matching(Path(pattern).expanduser()) for named in _below(path)]
        if not found:
            raise SettingsError("there is no chat template", where=pattern, fix="name .jinja files or their folder")
        for named in found:
            out.setdefault(named.place, named)
    return list(out.values())


def _matching(pattern: Path) -> list[Path]:
    anchor = Path(pattern.anchor or ".")
    inner = str(pattern.relative_to(anchor)) if pattern.anchor else str(pattern)
    try:
        return sorted(anchor.glob(inner))
    except (ValueError, NotImplementedError, IndexError):
        return []


def _below(path: Path) -> list[Named]:
    from assay.chat.text_target import TEMPLATE_SUFFIXES

    if path.is_file():
        return [Named(path.stem, str(path))] if path.suffix in TEMPLATE_SUFFIXES else []
    if not path.is_dir():
        return []
    files = {item for suffix in TEMPLATE_SUFFIXES for item in path.rglob(f"*{suffix}")}
    folders = {item.parent for item in path.rglob("tokenizer_config.json")}
    inside = {file for file in files if any(folder in file.parents for folder in folders)}
    places = sorted((files - inside) | folders)
    return [Named(_short(place, path), str(place)) for place in places]


def _short(place: Path, folder: Path) -> str:
    inner = place.relative_to(folder)
    return str(inner.with_suffix("") if place.is_file() else inner) if place != folder else folder.name
