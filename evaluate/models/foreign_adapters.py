"""Adapters from elsewhere, before a model is loaded: is this an adapter, of a kind that can be scored, for this base?

What Axolotl, LLaMA-Factory, Unsloth and plain PEFT leave in a folder is looked at: the config, the shapes of the
weights, and a tokenizer where one lies beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError
from assay.models import load_config
from assay.models.adapter_fit import check_fit

from ..wording import count, names

if TYPE_CHECKING:
    from assay.chat import ChatTarget

VIRTUAL_TOKENS = frozenset(
    {"PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "ADAPTION_PROMPT", "CPT"}
)
"""PEFT's kinds that put virtual tokens before the prompt, which shift every position that is read."""

BY_LOGS = "run lm_eval on base and {model}, and judge both with assay gate --from-lm-eval"


def check_kind(folder: Path, target: ChatTarget, say: Callable[[str], None]) -> None:
    """Raises ModelError for a whole model, a kind that is not scored, layers or embeddings of another size, or a
    tokenizer that numbers tokens otherwise than the base's. A tokenizer that only knows more tokens is said.
    """
    config = _config(folder)
    if config is None:
        return  # said when the adapter is loaded
    kind = str(config.get("peft_type", "LORA")).upper()
    if kind in VIRTUAL_TOKENS:
        raise ModelError(
            f"is of the kind {kind}, which puts virtual tokens before the prompt and cannot be scored here",
            where=str(folder),
            fix="LoRA and its variants, IA3 and the like can be",
        )
    check_fit(target.ref, folder)
    _check_embeddings(folder, target)
    _check_tokenizer(folder, target, say)


def _config(folder: Path) -> Mapping[str, Any] | None:
    path = folder / "adapter_config.json"
    if not path.is_file():
        if (folder / "config.json").is_file():
            raise ModelError(
                "is a whole model and no adapter; candidates are adapters over one base",
                where=str(folder),
                fix=BY_LOGS.format(model="this model"),
            )
        return None
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return config if isinstance(config, dict) else None


def _check_embeddings(folder: Path, target: ChatTarget) -> None:
    """Added tokens make embeddings longer; a base that is made longer is no longer the base."""
    from safetensors import SafetensorError, safe_open

    path = folder / "adapter_model.safetensors"
    try:
        with safe_open(path, framework="numpy") as weights:
            shapes = {
                key: weights.get_slice(key).get_shape()
                for key in weights.keys()  # noqa: SIM118
                if (".embed_tokens." in key or ".lm_head." in key)
                and "lora_" not in key
                and "trainable_tokens" not in key  # rows of single tokens, for which `make_room` makes room
            }
    except (OSError, SafetensorError):
        return  # said when the adapter is loaded
    config = load_config(target.ref)
    size = getattr(config.get_text_config(), "vocab_size", None)
    other = next(((key, shape[0]) for key, shape in shapes.items() if size is not None and shape[0] != size), None)
    if other is not None:
        raise ModelError(
            f"its embeddings are of {other[1]:,} tokens and those of {target.name} of {size:,}: tokens were added when "
            "it was trained",
            where=str(folder),
            fix=f"merge it, {BY_LOGS.format(model='merged model')}",
        )


def _check_tokenizer(folder: Path, target: ChatTarget, say: Callable[[str], None]) -> None:
    theirs = _vocabulary(folder / "tokenizer.json")
    if theirs is None:
        return
    ours = {str(token): int(number) for token, number in target.tokenizer.get_vocab().items()}
    moved = sorted(token for token, number in theirs.items() if token in ours and ours[token] != number)
    if moved:
        first = moved[0]
        raise ModelError(
            f"was trained with another tokenizer than that of {target.name}: "
            f"{count(len(moved), 'token')} have other numbers ('{first}' is {theirs[first]} there, {ours[first]} here)",
            where=str(folder),
            fix="give the base that it was trained on",
        )
    added = sorted(theirs.keys() - ours.keys(), key=theirs.__getitem__)
    if added:
        say(
            f"note: the tokenizer beside {folder} knows {count(len(added), 'token')} that {target.name} does not "
            f"({names(added, 3)}); the base's own is used"
        )


def _vocabulary(path: Path) -> dict[str, int] | None:
    """{token: id} of a tokenizer.json; None where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = content["model"]["vocab"]
        vocabulary = dict(known) if isinstance(known, dict) else {piece: i for i, (piece, *_) in enumerate(known)}
        vocabulary |= {token["content"]: token["id"] for token in content.get("added_tokens") or ()}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return vocabulary
