"""Which parts of a model an adapter is laid over, whatever the architecture calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

EXPERTS = "experts"
ATTENTION_PARTS = {"q_proj", "k_proj", "v_proj", "query", "key", "value"}
FUSED_ATTENTION = ("qkv_proj", "query_key_value", "Wqkv", "c_attn", "qkv", "in_proj")
MLP_PARTS = {"gate_proj", "up_proj"}
READ_BY_KERNELS = {"falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"}
"""Architectures whose kernels read the weights of `out_proj` past whatever is laid over it, so that PEFT 0.21 refuses
it (`_check_lora_target_modules_mamba`)."""

READ_AS_WEIGHTS = {"mamba", "falcon_mamba", "jamba"}
"""Architectures that multiply with `dt_proj.weight` themselves, past whatever is laid over it (transformers 5.24): an
adapter there would be neither trained nor used."""
FUSED_MLP = ("gate_up_proj", "dense_h_to_4h", "c_fc", "fc1")


def check_target_modules(model: PreTrainedModel, wanted: str | Sequence[str]) -> None:
    """Raises SettingsError when a name matches no module, the head, which TRL cannot train, or a router."""
    if wanted == "all-linear":
        return
    linear = _linear(model)
    leaves = sorted({name.rpartition(".")[2] for name in linear})
    deciding = set(routers(model))
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        pattern = name if isinstance(wanted, str) else rf"(.*\.)?{re.escape(name)}"
        try:
            matched = [module for module in linear if re.fullmatch(pattern, module)]
        except re.error as error:
            raise SettingsError(f"lora_target_modules: {name!r} is no regular expression ({error})") from error
        if not matched:
            fix = f"{_fused(name, leaves) or did_you_mean(name, leaves)} (all-linear takes them all)"
            raise SettingsError(f"lora_target_modules: no linear module matches {name!r}", fix=fix)
        barred = sorted({module.rpartition(".")[2] for module in matched} & unadaptable(model))
        if barred:
            raise SettingsError(
                f"lora_target_modules: {name!r} matches {barred[0]}, which PEFT cannot adapt in this architecture",
                fix="leave it out (all-linear leaves it out; lora_target_parameters: experts adapts experts)",
            )
        if any(module.rpartition(".")[2] == "lm_head" for module in matched):
            raise SettingsError("lora_target_modules: lm_head cannot be adapted by this trainer", fix="leave it out")
        if deciding.intersection(matched):
            raise SettingsError(
                f"lora_target_modules: {name!r} matches the router {min(deciding.intersection(matched))}, whose every "
                "change sends tokens to experts that never saw them",
                fix="leave it out",
            )


def adaptable(model: PreTrainedModel) -> tuple[str, ...]:
    """The names of all linear layers but the head, the routers and what PEFT cannot adapt."""
    left_out = {*routers(model), *(n for n, m in model.named_modules() if m is model.get_output_embeddings())}
    barred = unadaptable(model)
    return tuple(name for name in _linear(model) if name not in left_out and name.rpartition(".")[2] not in barred)


def unadaptable(model: PreTrainedModel) -> frozenset[str]:
    """Last parts of the names of linear layers that PEFT does not adapt as what they are.

    In an architecture whose experts are one tensor, PEFT 0.21 takes the names that experts had in transformers 4
    (`gate_proj`) for the experts, also where a dense layer has such a name (`_convert_peft_config_moe`).
    """
    kind = getattr(model.config, "model_type", "")
    passed = ({"out_proj"} if kind in READ_BY_KERNELS else set()) | ({"dt_proj"} if kind in READ_AS_WEIGHTS else set())
    if kind in READ_BY_KERNELS or not experts(model):
        return frozenset(passed)
    from peft.utils import transformers_weight_conversion as conversion

    pattern = conversion._MODEL_TO_CONVERSION_PATTERN.get(kind)
    return frozenset({*passed, *conversion._MOE_TARGET_MODULE_MAPPING.get(pattern, ())})


def routers(model: PreTrainedModel) -> list[str]:
    """Linear layers that choose experts, or weigh a shared one, by what they give out: a number an expert, or one."""
    config = model.config.get_text_config()
    names = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "num_routed_experts")
    counts = {getattr(config, name, None) for name in names} - {None}
    if not counts:
        return []
    return [
        name
        for name, module in _linear(model).items()
        if re.search(r"gate|router|wg\b", name) and getattr(module, "out_features", None) in {*counts, 1}
    ]


def experts(model: PreTrainedModel) -> dict[str, int]:
    """{name within a layer: elements in all layers} of the experts that are one tensor, which no linear layer holds."""
    found: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if parameter.ndim == 3 and "expert" in name:
            within = re.split(r"\.\d+\.", name)[-1]
            found[within] = found.get(within, 0) + parameter.numel()
    return found


def target_parameters(model: PreTrainedModel, wanted: str | Sequence[str]) -> list[str] | None:
    """PEFT's `target_parameters`. Raises SettingsError when there are no experts, or none of a name."""
    if not wanted:
        return None
    found = experts(model)
    if not found:
        raise SettingsError(
            "lora_target_parameters: this model has no experts that are one tensor",
            fix="leave it out: all-linear takes experts that are linear layers",
        )
    names = list(found) if wanted == EXPERTS else [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if not any(known == name or known.endswith(f".{name}") for known in found):
            raise SettingsError(
                f"lora_target_parameters: no experts are called {name!r}", fix=did_you_mean(name, found)
            )
    return names


def left_alone(model: PreTrainedModel, *, adapted: bool, load_in_4bit: bool) -> str | None:
    """In words, what of the experts of this model is not adapted or not quantised."""
    found = sum(experts(model).values())
    if not found or (adapted and not load_in_4bit):
        return None
    total = sum(_elements(parameter) for parameter in model.parameters())
    what = [] if adapted else ["are not adapted (lora_target_parameters: experts adapts them)"]
    if load_in_4bit:
        what.append("stay in 16 bits, since bitsandbytes quantises linear layers alone")
    return f"the experts hold {found / total:.0%} of the weights and {' and '.join(what)}"


def _elements(parameter: torch.nn.Parameter) -> int:
    """A 4-bit weight lies two elements to a byte."""
    state: Any = getattr(parameter, "quant_state", None)
    return int(state.shape.numel()) if state is not None else parameter.numel()


def _linear(model: PreTrainedModel) -> dict[str, torch.nn.Module]:
    """What PEFT takes for linear: GPT-2 writes its linear layers as `Conv1D`."""
    import torch
    from transformers.pytorch_utils import Conv1D

    return {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)}


def _fused(name: str, leaves: Sequence[str]) -> str | None:
    """Where one part of attention or MLP is asked for, and this architecture has them in one module."""
    for parts, fused in ((ATTENTION_PARTS, FUSED_ATTENTION), (MLP_PARTS, FUSED_MLP)):
        here = [leaf for leaf in fused if leaf in leaves]
        if name in parts and here:
            return f"this architecture has it within {here[0]}"
    return None
