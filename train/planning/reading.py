"""From a config to an architecture: no weights are read, and no code of a model repository is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError, did_you_mean
from assay.models import ModelRef, load_config

from . import families, mixtures
from .architecture import Architecture
from .keys import Keys

if TYPE_CHECKING:
    from transformers import PretrainedConfig

NOT_OF_THE_SHAPE = ("model_type", "transformers_version", "quantization_config")

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
    from .built import can_build, from_built

    family = values.get("model_type")
    if family in FAMILIES:
        keys = Keys(str(family), _completed(str(family), values, where).to_dict(), where)
        architecture = FAMILIES[str(family)](keys)
    elif isinstance(family, str) and can_build(family):
        architecture = from_built(family, _completed(family, values, where), where)
    else:
        raise _not_planned(family, values.get("text_config"), where)
    if not (architecture.hidden and architecture.vocabulary and architecture.depth):
        raise ModelError("the config describes a model of no size", where=where)
    stored = _stored(values.get("quantization_config"))
    return replace(architecture, unknown=(*architecture.unknown, *stored))


def _not_planned(family: Any, inner: Any, where: str) -> ModelError:
    from .built import can_build

    kind = str(inner.get("model_type", "")) if isinstance(inner, Mapping) else ""
    if kind in FAMILIES or (kind and can_build(kind)):
        return ModelError(
            f"'{family}' is loaded with what sees or hears, which `assay train` does not do; only its text part "
            f"({kind}) can be planned",
            where=where,
            fix="give its text_config as a config.json of its own",
        )
    named = f"the architecture '{family}' is not one that can be planned" if family else "no 'model_type' is named"
    return ModelError(named, where=where, fix=did_you_mean(str(family), FAMILIES))


def _stored(quantised: Any) -> Iterator[str]:
    """What a file of quantised weights leaves open: they are loaded as they are, or widened, as the machine allows."""
    if not isinstance(quantised, Mapping):
        return
    method = quantised.get("quant_method") or ("bitsandbytes" if quantised.get("load_in_4bit") else "some method")
    yield (
        f"how its file is loaded: the weights in it are quantised already ({method}), and are planned here as if they "
        "were widened to 16 bits first"
    )


def _completed(family: str, values: Mapping[str, Any], where: str) -> PretrainedConfig:
    """The config as transformers completes it; its own derived values, such as head_dim, among them."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    known = {key: value for key, value in values.items() if key not in NOT_OF_THE_SHAPE}
    try:
        complete: PretrainedConfig = AutoConfig.for_model(family, **known)
    except (StrictDataclassError, ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError) as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"transformers refuses the config: {line:.160}", where=where) from error
    return complete
