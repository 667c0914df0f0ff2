"""Settings of another trainer as settings of assay: Axolotl, LLaMA-Factory, TRL, and PEFT's adapter_config.json.

Every key of the file is either taken over or named in a note, with its line.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.aliases import canonical
from assay.config import Document, parse, read_document
from assay.errors import SettingsError
from assay.foreign_keys import NEEDLESS, SAME, SPECIAL, TRACKERS
from assay.project import SECTIONS

ADAPTER_CONFIG = "adapter_config.json"


@dataclass
class Foreign:
    """What another trainer's file says. data: paths or hub ids; train: settings of assay by name."""

    tool: str
    model: str | None = None
    revision: str | None = None
    data: list[str] = field(default_factory=list)
    train: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_foreign(path: Path) -> Foreign:
    """Raises SettingsError for what is no settings file of a trainer that assay knows."""
    if path.is_dir() or path.name == ADAPTER_CONFIG:
        return _adapter(path if path.is_dir() else path.parent)
    document = read_document(path)
    tool = tool_of(document.data)
    if tool is None:
        raise SettingsError(
            "is not a settings file of Axolotl, LLaMA-Factory or TRL",
            where=str(path),
            fix="it should name base_model, or model_name_or_path with what trains it",
        )
    reading = Reading(document, Foreign(tool), path.parent)
    for name, value in document.data.items():
        reading.take(str(name), value)
    reading.finish()
    return reading.foreign


def tool_of(data: Mapping[str, Any]) -> str | None:
    """By the keys that only one of them has."""
    if "base_model" in data:
        return "Axolotl"
    if "model_name_or_path" not in data or "data" in data or "version" in data:  # the latter is assay's own
        return None
    if {"finetuning_type", "stage", "cutoff_len", "template", "lora_rank", "dataset_dir"} & set(data):
        return "LLaMA-Factory"
    if {"dataset_name", "use_peft", "datasets", "max_length", "max_seq_length", "lora_r"} & set(data):
        return "TRL"
    return None


class Reading:
    """One file, key by key."""

    def __init__(self, document: Document, foreign: Foreign, folder: Path) -> None:
        self.document, self.foreign, self.folder = document, foreign, folder
        settings = getattr(importlib.import_module(SECTIONS["train"].partition(":")[0]), "TrainSettings")  # noqa: B009
        self.settings = settings
        self.known = [item.name for item in dataclasses.fields(settings)]

    def note(self, name: str, text: str) -> None:
        self.foreign.notes.append(f"{self.document.where((name,))}: {text}")

    def take(self, name: str, value: Any) -> None:
        """Takes a key over, or says why not."""
        if value is None or name in NEEDLESS:
            return
        special = SPECIAL.get(name)
        if special is not None:
            special(self, name, value)
        elif name in TRACKERS:
            if value:
                self.foreign.train["report_to"] = TRACKERS[name]
        else:
            self._plain(name, value)

    def _plain(self, name: str, value: Any) -> None:
        found = canonical(name, value, self.known)
        successor, given = (SAME.get(name, name), value) if found is None else (found.name, found.value)
        if successor not in self.known:
            self.note(name, f"'{name}' is nothing that assay has; left out")
        elif given != _usual(self.settings, successor):
            self.put(name, successor, given)

    def put(self, name: str, setting: str, value: Any) -> None:
        """A setting that its own type takes; what it does not take is said."""
        value = _number(value)
        value = list(value) if isinstance(value, tuple) else value
        try:
            parse(self.settings, Document({setting: value}))
        except SettingsError as error:
            self.note(name, f"'{name}' is left out: {error.what}")
            return
        self.foreign.train[setting] = value

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


def _usual(settings: Any, name: str) -> Any:
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


ADAPTER_SAID = {"base_model_name_or_path", "revision", "r", "lora_alpha", "lora_dropout", "target_modules", "use_dora",
                "use_rslora", "init_lora_weights", "peft_type"}  # fmt: skip
ADAPTER_USUAL: Mapping[str, Any] = {"bias": "none", "task_type": "CAUSAL_LM", "inference_mode": True}
ADAPTER_FACTS = {"auto_mapping", "peft_version", "inference_mode", "task_type", "megatron_core", "runtime_config",
                 "ensure_weight_tying", "qalora_group_size"}  # fmt: skip


def _adapter(folder: Path) -> Foreign:
    """Rank, alpha, targets and base of an adapter out of a notebook. Raises SettingsError."""
    path = folder / ADAPTER_CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = "is not there" if isinstance(error, FileNotFoundError) else "cannot be read as JSON"
        raise SettingsError(what, where=str(path), fix="name the adapter's folder") from error
    if not isinstance(config, dict) or config.get("peft_type", "LORA") != "LORA":
        raise SettingsError("is not the config of a LoRA adapter", where=str(path))
    foreign = Foreign("PEFT", config.get("base_model_name_or_path") or None, config.get("revision"))
    reading = Reading(Document(config, str(path)), foreign, folder)
    renamed = {"r": "lora_r", "target_modules": "lora_target_modules"}
    for name in sorted(ADAPTER_SAID - {"base_model_name_or_path", "revision", "peft_type"}):
        value = sorted(config[name]) if isinstance(config.get(name), list) else config.get(name)
        setting = renamed.get(name, name)
        if value not in (None, False) and value != _usual(reading.settings, setting):
            reading.put(name, setting, value)
    for name, value in config.items():
        if name not in ADAPTER_SAID | ADAPTER_FACTS and value and value != ADAPTER_USUAL.get(name):
            foreign.notes.append(f"{path}: '{name}: {value}' is left out: assay has no such setting")
    foreign.notes.append(
        f"{path}: it does not say whether the base was quantised; load_in_4bit: true is assay's default"
    )
    return foreign
