"""Settings of another trainer as settings of assay: Axolotl, LLaMA-Factory, TRL, and PEFT's adapter_config.json.

Every key of the file is either taken over or named in a note, with its line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.aliases import canonical
from assay.config import Document, read_document
from assay.errors import SettingsError
from assay.foreign.keys import WHOLE, take
from assay.foreign.reading import Foreign, Reading, usual

ADAPTER_CONFIG = "adapter_config.json"


def read_foreign(path: Path) -> Foreign:
    """Raises SettingsError for what is no settings file of a trainer that assay knows."""
    if path.is_dir() or path.name == ADAPTER_CONFIG:
        return _adapter(path if path.is_dir() else path.parent)
    if not path.is_file():
        fix = "name a settings file of Axolotl, LLaMA-Factory or TRL, or an adapter's folder"
        raise SettingsError("cannot read settings (no such file)", where=str(path), fix=fix)
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
        take(reading, str(name), value)
    said = {"Axolotl": "adapter", "TRL": "use_peft"}.get(tool)
    if said is not None and not document.data.get(said):
        reading.foreign.notes.append(f"{path}: {WHOLE}")
    reading.finish()
    _say_what_was_usual(reading)
    return reading.foreign


USUAL: Mapping[str, Mapping[str, Any]] = {
    "LLaMA-Factory": {"lora_r": 8, "lora_alpha": "twice the rank", "lora_dropout": 0.0, "learning_rate": 5e-5,
                      "num_train_epochs": 3},
    "TRL": {"lora_r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "learning_rate": 2e-5, "num_train_epochs": 3},
}  # fmt: skip
"""What a file that does not name them means: `FinetuningArguments` of LLaMA-Factory 0.9.5 and transformers'
`TrainingArguments`; `ModelConfig` and `SFTConfig` of TRL 1.16. Axolotl asks for each."""


def _say_what_was_usual(reading: Reading) -> None:
    """assay decides what nobody set; the other tool had a value of its own."""
    theirs = USUAL.get(reading.foreign.tool, {})
    named = {setting for name in reading.document.data for setting in _settings_of(reading, str(name))}
    unset = {setting: value for setting, value in theirs.items() if setting not in named}
    if unset:
        listed = ", ".join(f"{setting}: {value:g}" if isinstance(value, float) else f"{setting}: {value}"
                           for setting, value in unset.items())  # fmt: skip
        reading.foreign.notes.append(
            f"{reading.document.file}: it does not name {listed}, which are {reading.foreign.tool}'s own; assay "
            "decides these from data and model unless they stand in assay.yaml"
        )


def _settings_of(reading: Reading, name: str) -> set[str]:
    """The setting that a key of the file is about, under its own name or its successor's."""
    found = canonical(name, reading.document.data[name], reading.known)
    return {name, *([found.name] if found is not None else [])}


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
        if value not in (None, False) and value != usual(reading.settings, setting):
            reading.put(name, setting, value)
    for name, value in config.items():
        if name not in ADAPTER_SAID | ADAPTER_FACTS and value and value != ADAPTER_USUAL.get(name):
            foreign.notes.append(f"{path}: '{name}: {value}' is left out: assay has no such setting")
    held = _quantisation(folder)
    if held is None:
        foreign.notes.append(
            f"{path}: it does not say whether the base was quantised; load_in_4bit: true is assay's default"
        )
    else:
        foreign.train["load_in_4bit"] = held
    return foreign


def _quantisation(folder: Path) -> bool | None:
    """Whether the base was held in 4 bits, by the `assay.json` of an adapter that assay trained."""
    try:
        card = json.loads((folder / "assay.json").read_text(encoding="utf-8"))
        return card["quantisation"] is not None
    except (OSError, ValueError, KeyError, TypeError):
        return None
