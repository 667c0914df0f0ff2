"""One settings file of another trainer while it is read: what was taken over so far, and what is said of the rest."""

from __future__ import annotations

import dataclasses
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.config import Document, parse
from assay.errors import SettingsError
from assay.project import SECTIONS


@dataclass
class Foreign:
    """What another trainer's file says. data: paths or hub ids; train: settings of assay by name."""

    tool: str
    model: str | None = None
    revision: str | None = None
    data: list[str] = field(default_factory=list)
    train: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Reading:
    """One file, key by key."""

    def __init__(self, document: Document, foreign: Foreign, folder: Path) -> None:
        self.document, self.foreign, self.folder = document, foreign, folder
        settings = getattr(importlib.import_module(SECTIONS["train"].partition(":")[0]), "TrainSettings")  # noqa: B009
        self.settings = settings
        self.known = [item.name for item in dataclasses.fields(settings)]

    def note(self, name: str, text: str) -> None:
        self.foreign.notes.append(f"{self.document.where((name,))}: {text}")

    def put(self, name: str, setting: str, value: Any) -> None:
        """A setting that is taken with the base in 4 bits or in 16: which of them it is, another key says. What neither
        takes is said."""
        value = _number(value)
        value = list(value) if isinstance(value, tuple) else value
        try:
            parse(self.settings, Document({setting: value}))
        except SettingsError as error:
            if not self._taken({"load_in_4bit": False, setting: value}):
                self.note(name, f"'{name}' is left out: {error.what}")
                return
        self.foreign.train[setting] = value

    def _taken(self, settings: dict[str, Any]) -> bool:
        try:
            parse(self.settings, Document(settings))
        except SettingsError:
            return False
        return True

    def finish(self) -> None:
        """What is said of the file as a whole. Raises SettingsError where the settings contradict each other."""
        train, foreign = self.foreign.train, self.foreign
        if "load_in_4bit" not in train:
            train["load_in_4bit"] = False
        try:
            parse(self.settings, Document(train))
        except SettingsError as error:
            raise SettingsError(error.what, where=self.document.file, fix=error.fix) from error
        if foreign.model is None:
            raise SettingsError("names no model", where=self.document.file)


def usual(settings: Any, name: str) -> Any:
    found = next(item for item in dataclasses.fields(settings) if item.name == name)
    return found.default


def _number(value: Any) -> Any:
    """PyYAML reads 2e-4 as text."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
