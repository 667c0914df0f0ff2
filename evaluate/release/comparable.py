"""Were two evaluations made under the same conditions? What differs is named, and then nothing is compared.

Everything but the adapter must be the same: base, precision, tokenizer and template for the whole, data and scorer (for
a task also its version and examples) for each suite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..evaluation import Evaluation, SuiteResult

BASE = (
    ("name", "base model"),
    ("revision", "revision of the base"),
    ("weights_sha256", "weights of the base"),
    ("quantisation", "quantisation"),
    ("double_quantisation", "double quantisation"),
    ("dtype", "data type"),
)
IDENTITY = (("tokenizer_sha256", "tokenizer"), ("template_sha256", "chat template"), ("device", "device"))
SETTINGS = (
    ("num_fewshot", "num_fewshot"),
    ("apply_chat_template", "apply_chat_template"),
    ("max_length", "max_length"),
    ("batch_tokens", "batch_tokens"),
    ("backend", "backend"),
)
RENAMED = frozenset({"base model", "revision of the base"})
"""Of no matter where the weights are the same to the byte."""


def differences(ours: Evaluation, theirs: Evaluation) -> list[str]:
    """`quantisation (nf4 and none)` for all that holds for every suite; empty where the two are comparable."""
    found = list(_differing(_base(ours), _base(theirs), BASE))
    if not any(shown == "weights of the base" for shown, _, _ in found) and _base(ours).get("weights_sha256"):
        found = [difference for difference in found if difference[0] not in RENAMED]
    found += _differing(ours.identity, theirs.identity, IDENTITY)
    found += _differing(ours.settings, theirs.settings, SETTINGS)
    return [f"{shown} ({_short(a)} and {_short(b)})" for shown, a, b in found]


def suite_differences(ours: SuiteResult, theirs: SuiteResult) -> list[str]:
    """For one suite that both have."""
    found: list[tuple[str, Any, Any]] = []
    if ours.data_sha256 != theirs.data_sha256:
        found.append(("data", ours.data_sha256, theirs.data_sha256))
    for key in sorted(ours.scorer.keys() | theirs.scorer.keys()):
        a, b = ours.scorer.get(key), theirs.scorer.get(key)
        if _plain(a) != _plain(b):
            found.append(("scorer" if key == "name" else f"{key} of the scorer", a, b))
    return [f"{shown} of {ours.suite} ({_short(a)} and {_short(b)})" for shown, a, b in found]


def _base(evaluation: Evaluation) -> Mapping[str, Any]:
    base = evaluation.identity.get("base")
    return base if isinstance(base, Mapping) else {}


def _differing(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], keys: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, Any, Any]]:
    for key, shown in keys:
        if _plain(ours.get(key)) != _plain(theirs.get(key)):
            yield shown, ours.get(key), theirs.get(key)


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    hexadecimal = len(text) >= 32 and all(character in "0123456789abcdef" for character in text)
    return text[:8] if hexadecimal else text if len(text) <= 60 else f"{text[:57]}..."
