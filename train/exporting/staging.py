"""Folders made for the converter: weights, config and tokenizer, the template that was trained, and no code.

llama.cpp's converter loads tokenizers with `trust_remote_code=True`. A staged folder has no Python files and names
none, so that nothing of a model repository runs.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.chat import ChatTarget
from assay.errors import ModelError
from assay.storage import write_json, write_text

from ..parity.provenance import Trained, read_json
from .artefacts import ADAPTER_METADATA
from .splitting_names import splitting_name

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "merges.txt", "vocab.txt",
                   "special_tokens_map.json", "added_tokens.json", "tekken.json")  # fmt: skip
DROPPED = ("auto_map", "chat_template", "quantization_config")


@dataclass(frozen=True)
class Corrections:
    """What `converter_driver` is told.

    special_token_ids  {"eos": id, ...} as the GGUF shall name them
    add_special_token  {"bos": whether a token is put before every text, "eos": after}
    splitting          llama.cpp's name for the tokenizer's splitting, where its hash is not known
    metadata           further keys of the file
    """

    special_token_ids: Mapping[str, int]
    add_special_token: Mapping[str, bool]
    splitting: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "special_token_ids": dict(self.special_token_ids),
            "add_special_token": dict(self.add_special_token),
            "splitting": self.splitting,
            "metadata": dict(self.metadata),
        }


NONE = Corrections({}, {}, None)


def corrections_of(target: ChatTarget) -> Corrections:
    """The first trained stop token ends texts, a second one turns; BOS is added only where prompts begin with it.

    A template that writes `eos_token` by name is given the GGUF's, so there the tokenizer's own stays.
    """
    tokenizer, stops = target.tokenizer, list(target.stop_token_ids)
    own: Any = tokenizer.eos_token_id
    if isinstance(own, int) and "eos_token" in target.template:
        stops = [own, *(stop for stop in stops if stop != own)]
    ids = dict(zip(("eos", "eot", "eom"), stops, strict=False))
    if isinstance(tokenizer.bos_token_id, int):
        ids["bos"] = tokenizer.bos_token_id
    return Corrections(ids, {"bos": writes_bos(target), "eos": False}, splitting_name(_description(target)))


def weights_metadata(folder: Path) -> dict[str, str]:
    """Of a folder that `assay merge` wrote, for parity: whose numbers the base's weights are, and which adapter was
    merged into them, by the hashes of two of its files. {} of any other."""
    try:
        merge = read_json(folder / "assay.json")["merge"]
        found = {"assay.weights": str(merge["weights"])}
    except (ModelError, KeyError, TypeError):
        return {}
    with contextlib.suppress(KeyError, TypeError, IndexError):
        files = merge["adapters"][0]["files"]
        return found | {key: str(files[file]) for key, file in ADAPTER_METADATA.items()}
    return found


def writes_bos(target: ChatTarget) -> bool:
    """Whether prompts of the template begin with the token that begins texts."""
    from assay.chat import inference_prompt
    from assay.records import Message

    bos: Any = target.tokenizer.bos_token_id
    return bos is not None and _first(inference_prompt([Message("user", "x")], target)) == bos and _adds_bos(target)


def _first(ids: list[int]) -> int | None:
    return ids[0] if ids else None


def _adds_bos(target: ChatTarget) -> bool:
    """Whether the tokenizer by itself puts BOS before a text: a template whose turns begin with it does not count."""
    ids = target.tokenizer("x", verbose=False)["input_ids"]
    return bool(ids) and ids[0] == target.tokenizer.bos_token_id


def _description(target: ChatTarget) -> str:
    return str(target.tokenizer.backend_tokenizer.to_str())


def stage_model(source: Path, target: ChatTarget, folder: Path) -> None:
    """`source` as the converter shall see it: weights as links, the trained template, no code. Raises ModelError."""
    folder.mkdir()
    weights = sorted(source.glob("*.safetensors"))
    if not weights:
        raise ModelError("the model folder has no weights (*.safetensors)", where=str(source))
    config = read_json(source / "config.json")
    if "quantization_config" in config:
        raise ModelError(
            "is a quantised model, and the converter takes 16 or 32 bits",
            where=str(source),
            fix="merge into 16 bit (`assay merge`), and quantise with --outtype",
        )
    for path in (*weights, *source.glob("*.safetensors.index.json")):
        (folder / path.name).symlink_to(path.resolve())
    stage_config(source, folder)
    for name in TOKENIZER_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    settings = read_json(source / "tokenizer_config.json") if (source / "tokenizer_config.json").is_file() else {}
    write_json(folder / "tokenizer_config.json", {key: settings[key] for key in settings if key not in DROPPED})
    write_text(folder / "chat_template.jinja", target.template)
    if target.tool_template is not None:
        (folder / "additional_chat_templates").mkdir()
        write_text(folder / "additional_chat_templates" / "tool_use.jinja", target.tool_template)


def stage_config(source: Path, folder: Path) -> None:
    """config.json without the names of code. All that the conversion of an adapter needs of its base."""
    folder.mkdir(exist_ok=True)
    config = read_json(source / "config.json")
    write_json(folder / "config.json", {key: config[key] for key in config if key not in DROPPED})


UNMERGEABLE = "merge it (`assay merge`) and export the merged model"


def stage_adapter(source: Trained, folder: Path) -> None:
    """The adapter in the shape that a LoRA GGUF can say: one alpha, and each rank read from its tensors.

    llama.cpp scales by `lora_alpha / rank`. Where PEFT scales by something else (rsLoRA, patterns of alphas) the
    difference is multiplied into B. Raises ModelError for what the format has no place for.
    """
    from safetensors.torch import load_file, save_file

    where = str(source.folder)
    check_plain_lora(source.config, where)
    path = source.folder / "adapter_model.safetensors"
    if not path.is_file():
        raise ModelError("the adapter folder has no adapter_model.safetensors", where=where)
    tensors = load_file(path)
    strange = [name for name in tensors if ".lora_A." not in name and ".lora_B." not in name]
    if strange:
        raise ModelError(
            f"holds trained weights beside LoRA's ({strange[0]}), which a GGUF adapter has no place for",
            where=where,
            fix=UNMERGEABLE,
        )
    for name in [name for name in tensors if ".lora_B." in name]:
        rank = tensors[name].shape[1]
        factor = scale_of(source.config, _module(name)) / (float(source.config["lora_alpha"]) / rank)
        if not math.isclose(factor, 1.0, rel_tol=1e-12):
            tensors[name] = (tensors[name].float() * factor).contiguous()
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(source.config), encoding="utf-8")


def check_plain_lora(config: Mapping[str, Any], where: str) -> None:
    """Raises ModelError for an adapter that is more than pairs of matrices beside linear layers."""
    more = {
        f"is {config.get('peft_type')}, and a GGUF adapter is LoRA": config.get("peft_type", "LORA") != "LORA",
        "is DoRA, whose magnitudes a GGUF adapter has no place for": bool(config.get("use_dora")),
        "trains biases, which a GGUF adapter has no place for": config.get("bias", "none") not in (None, "none"),
        "trains whole modules, which a GGUF adapter has no place for": bool(config.get("modules_to_save")),
        "trains single tokens, which a GGUF adapter has no place for": bool(config.get("trainable_token_indices")),
    }
    for what, holds in more.items():
        if holds:
            raise ModelError(what, where=where, fix=UNMERGEABLE)


def _module(tensor: str) -> str:
    return tensor.removeprefix("base_model.model.").partition(".lora_B.")[0]


def scale_of(config: Mapping[str, Any], module: str) -> float:
    """What PEFT multiplies B A by in this module: alpha over the rank, or over its root (rsLoRA)."""
    rank = _by_pattern(config.get("rank_pattern"), module, config["r"])
    alpha = _by_pattern(config.get("alpha_pattern"), module, config["lora_alpha"])
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else float(rank))


def _by_pattern(patterns: Mapping[str, Any] | None, module: str, default: Any) -> Any:
    """The value of the first pattern that ends the module's name, as PEFT finds it (`peft.utils.get_pattern_key`)."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default
