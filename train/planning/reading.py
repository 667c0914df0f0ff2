"""From a config to an architecture: no weights are read, and no code of a model repository is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from assay.errors import ModelError, did_you_mean
from assay.models import ModelRef, load_config

from . import families, mixtures
from .architecture import Architecture
from .keys import Keys

FAMILIES: Mapping[str, Callable[[Keys], Architecture]] = {
    "llama": families.llama,
    "mistral": families.mistral,
    "ministral": families.mistral,
    "qwen2": families.qwen2,
    "qwen3": families.qwen3,
    "gemma": families.gemma,
    "gemma2": families.gemma2,
    "gemma3_text": families.gemma3,
    "phi": families.phi,
    "phi3": families.phi3,
    "falcon": families.falcon,
    "mixtral": mixtures.mixtral,
    "qwen2_moe": mixtures.qwen2_moe,
    "qwen3_moe": mixtures.qwen3_moe,
    "gpt_oss": mixtures.gpt_oss,
    "deepseek_v2": mixtures.deepseek,
    "deepseek_v3": mixtures.deepseek,
}


def from_model(ref: ModelRef) -> Architecture:
    """Of a folder, a hub id or an embedded model, from its config.json. Raises ModelError."""
    return from_config(load_config(ref).to_dict(), ref.name)


def from_file(path: Path) -> Architecture:
    """Of a config.json by itself. Raises ModelError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError("the config cannot be read", where=str(path), fix="name a config.json") from error
    except ValueError as error:
        raise ModelError(f"the config is not JSON ({error})", where=str(path)) from error
    if not isinstance(values, dict):
        raise ModelError("the config should be a JSON object", where=str(path))
    return from_config(values, str(path))


def from_config(values: Mapping[str, Any], where: str) -> Architecture:
    """values: config.json as a mapping; what it leaves out is what transformers takes for that family.

    Raises ModelError for an architecture that is not known, or keys that are missing.
    """
    family = values.get("model_type")
    inner = values.get("text_config")
    if family not in FAMILIES and isinstance(inner, Mapping) and inner.get("model_type") in FAMILIES:
        raise ModelError(
            f"'{family}' sees pictures too, and only its text part ({inner['model_type']}) can be planned",
            where=where,
            fix="give its text_config as a config.json of its own, and add the vision tower's weights yourself",
        )
    if family not in FAMILIES:
        named = f"the architecture '{family}' is not one that can be planned" if family else "no 'model_type' is named"
        raise ModelError(named, where=where, fix=did_you_mean(str(family), FAMILIES))
    keys = Keys(str(family), _completed(str(family), values, where), where)
    architecture = FAMILIES[str(family)](keys)
    if not (architecture.hidden and architecture.vocabulary and architecture.depth):
        raise ModelError("the config describes a model of no size", where=where)
    return architecture


def _completed(family: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The config as transformers completes it; its own derived values, such as head_dim, among them."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    known = {key: value for key, value in values.items() if key not in ("model_type", "transformers_version")}
    try:
        complete: dict[str, Any] = AutoConfig.for_model(family, **known).to_dict()
    except (StrictDataclassError, ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError) as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"transformers refuses the config: {line:.160}", where=where) from error
    return complete
