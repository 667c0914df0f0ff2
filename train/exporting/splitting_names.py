"""llama.cpp's name for the way in which a byte-level tokenizer splits text before it merges.

llama.cpp's converter knows tokenizers by a hash over the ids of one text, so any other vocabulary is unknown to it,
however it splits. What `tokenizer.json` says of the splitting itself tells it, for these four.
"""

from __future__ import annotations

import json
from typing import Any

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")


def splitting_name(tokenizer_json: str) -> str | None:
    """ "gpt-2", "smollm", "qwen2", "llama-bpe", or None where the description is none of theirs, to the letter."""
    described: dict[str, Any] = json.loads(tokenizer_json)
    model = described.get("model") or {}
    splitting = described.get("pre_tokenizer") or {}
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        return None
    steps = splitting.get("pretokenizers", []) if splitting.get("type") == "Sequence" else [splitting]
    *before, last = steps or [{}]
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return None
    normalizer = (described.get("normalizer") or {}).get("type")
    name = _name(before, last.get("use_regex", True))
    as_theirs = {"gpt-2": (None, False), "smollm": (None, False), "qwen2": ("NFC", False), "llama-bpe": (None, True)}
    if name is None or as_theirs[name] != (normalizer, bool(model.get("ignore_merges"))):
        return None
    return name


def _name(before: list[dict[str, Any]], by_regex: bool) -> str | None:
    if not before:
        return "gpt-2" if by_regex else None
    if len(before) > 1:
        return None
    step = before[0]
    if step.get("type") == "Digits":
        return "smollm" if step.get("individual_digits") and by_regex else None
    if step.get("type") != "Split" or step.get("behavior") != "Isolated" or step.get("invert") or by_regex:
        return None
    return {QWEN2: "qwen2", LLAMA3: "llama-bpe"}.get((step.get("pattern") or {}).get("Regex", ""))
