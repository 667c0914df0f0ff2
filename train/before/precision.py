"""Which precision the weights have in their file, and what becomes of them: said in a line where any of it is lost.

A model's weights are held in one precision while it trains, the recipe's, whatever each of them has in the file. That
rounds nothing where the file has it already, or a narrower one. Routers and norms that the model's authors keep in
float32 are usual, and are no fault: transformers knows of which architectures, and keeps them so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError, SettingsError
from assay.models import load_config
from assay.models.tensor_headers import Tensor, headers_of

if TYPE_CHECKING:
    from assay.models import ModelRef

NAMES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
DIGITS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
"""Binary ones of a number's significand."""

PACKED = ("I8", "U8", "F8_E4M3", "F8_E5M2", "F4", "F6_E2M3", "F6_E3M2", "F8_E8M0")
"""What quantisation stores numbers in. Wider integers are tables: DeepSeek V4 has one from tokens to experts."""

DERIVED = ("inv_freq", "masked_bias", "attn.bias")
"""What old files hold beside weights: positions and masks, which the model makes itself."""

SHOWN = 3


def check_precision(ref: ModelRef, dtype: str, *, load_in_4bit: bool) -> tuple[str, ...]:
    """What happens to the weights in words, nothing where they are held as they are in the file.

    ref    of a hub model that is not on this machine yet, nothing but its config is known
    dtype  that training holds them in, before 4 bits where it quantises

    Raises ModelError for weights that are no floating-point numbers, in a model that says of no quantisation;
    SettingsError where `load_in_4bit` contradicts the quantisation that it has.
    """
    config = load_config(ref)
    stored = getattr(config, "quantization_config", None)
    if stored is not None:
        return (_quantised(stored if isinstance(stored, Mapping) else stored.to_dict(), load_in_4bit, ref.name),)
    weights = {name: tensor for name, tensor in headers_of(ref).items() if not name.endswith(DERIVED)}
    if not weights:
        return ()
    _refuse_integers(weights, ref.name)
    share = _shares(weights)
    main = max(share, key=lambda name: share[name])
    return tuple(_contradicted(config, main)) + tuple(_rounded(weights, share, main, dtype, _precise(config, dtype)))


def file_dtype(ref: ModelRef) -> str | None:
    """Of most weights in the model's file; None where there is no file here, or its numbers are packed."""
    share = _shares({name: tensor for name, tensor in headers_of(ref).items() if tensor.dtype in NAMES})
    return max(share, key=lambda name: share[name]) if share else None


def _quantised(stored: Mapping[str, Any], load_in_4bit: bool, where: str) -> str:
    in_4bit = bool(stored.get("load_in_4bit"))
    method = str((stored.get("bnb_4bit_quant_type") if in_4bit else stored.get("quant_method")) or "some method")
    if in_4bit != load_in_4bit:
        raise SettingsError(
            f"load_in_4bit: {str(load_in_4bit).lower()}, but the weights are quantised in the file already ({method})",
            where=where,
            fix=f"set load_in_4bit: {str(in_4bit).lower()}, or take the upload in 16 bits",
        )
    return f"the weights are quantised in the file already ({method}), and are taken as they are"


def _refuse_integers(weights: Mapping[str, Tensor], where: str) -> None:
    odd = [name for name, tensor in weights.items() if tensor.dtype in PACKED and len(tensor.shape) > 1]
    if odd:
        raise ModelError(
            f"{len(odd)} weights are {weights[odd[0]].dtype} ({odd[0]}), and config.json says of no quantisation, so "
            "that nothing knows which numbers they stand for",
            where=where,
            fix="take the upload in 16 bits, or the config.json that belongs to these weights",
        )


def _shares(weights: Mapping[str, Tensor]) -> dict[str, float]:
    """{dtype: share of the elements}"""
    counts: dict[str, int] = {}
    for tensor in weights.values():
        if tensor.dtype in NAMES:
            counts[NAMES[tensor.dtype]] = counts.get(NAMES[tensor.dtype], 0) + tensor.elements
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}


def _precise(config: Any, dtype: str) -> frozenset[str]:
    """Parts of names that transformers keeps in float32 for this architecture."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    model = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    always = getattr(model, "_keep_in_fp32_modules_strict", None) or ()
    in_half = getattr(model, "_keep_in_fp32_modules", None) or () if dtype == "float16" else ()
    return frozenset({*always, *in_half})


def _contradicted(config: Any, main: str) -> list[str]:
    said = str(getattr(config, "dtype", None) or "").removeprefix("torch.")
    if said not in DIGITS or said == main:
        return []
    return [f"config.json says {said} and the weights are {main}: the weights are taken for what they are"]


def _rounded(
    weights: Mapping[str, Tensor], share: Mapping[str, float], main: str, dtype: str, precise: frozenset[str]
) -> list[str]:
    lost = {
        name: tensor
        for name, tensor in weights.items()
        if tensor.dtype in NAMES and DIGITS[NAMES[tensor.dtype]] > DIGITS[dtype] and not _stays(name, precise)
    }
    others = {name: part for name, part in share.items() if name != main}
    kept = f"; transformers keeps {', '.join(sorted(precise)[:SHOWN])} in float32" if precise and others else ""
    if others:
        mixed = ", ".join(f"{_percent(part)} {name} ({_kinds(weights, name)})" for name, part in others.items())
        rounds = f", which rounds {_percent(_elements(lost) / _elements(weights))} of them" if lost else ", unrounded"
        return [f"the file mixes precisions, {main} and {mixed}: all are held in {dtype}{rounds}{kept}"]
    if main == "bfloat16" and dtype == "float16":
        return ["the weights are bfloat16 in the file and held in float16: what is above 65,504 becomes infinite"]
    return [f"the weights are {main} in the file and rounded to {dtype}"] if lost else []


def _stays(name: str, precise: frozenset[str]) -> bool:
    return any(part in name for part in precise)


def _elements(weights: Mapping[str, Tensor]) -> int:
    return sum(tensor.elements for tensor in weights.values())


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _kinds(weights: Mapping[str, Tensor], dtype: str) -> str:
    """What holds the weights of this precision, by the names of the modules, the most first."""
    found: dict[str, int] = {}
    for name, tensor in weights.items():
        if NAMES.get(tensor.dtype) == dtype:
            module = name.rpartition(".")[0].rpartition(".")[2] or name
            found[module] = found.get(module, 0) + tensor.elements
    named = sorted(found, key=lambda module: -found[module])
    return ", ".join(named[:SHOWN]) + (", ..." if len(named) > SHOWN else "")
