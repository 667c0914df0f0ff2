"""An architecture from the model that transformers builds of a config on PyTorch's meta device: no weights, no memory.

For families without a formula of their own. Parameters, what is quantised and what LoRA adapts are those of the built
model; what its layers keep for the backward pass is counted as if they were a Llama's of the same widths, and said so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError

from ..methods.target_modules import adaptable, experts
from .architecture import Architecture, Attention, Experts, ExpertTensor, Layer, Linear, Norm
from .scans import scan_of

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

FEED_FORWARD = re.compile(r"(^|\.)(\w*mlp|feed_forward|ffn|\w*moe|\w*experts?|\w*ffw)(\.|$)")
DOWN = ("down_proj", "w2", "fc2", "c_proj", "output_linear", "dense_4h_to_h", "linear_2")
GATES = ("gate_proj", "gate_up_proj", "w1", "input_linear", "up_gate_proj", "linear_1")
ACTIVATION_KEEPS = {"relu2": 2, "xielu": 4, "gelu_new": 4}
"""Tensors of the feed-forward width that an activation without a gate keeps; others are one kernel, and keep one."""
ACTIVE = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "top_k_experts", "moe_k")
EXPERT_OF_ITS_OWN = re.compile(r"experts\.\d+\.")
SCANS_KEEP, OTHERS_KEEP = 13, 1.3
"""What a layer without attention and without a formula (`scans`) keeps of a token for the backward pass, as
transformers runs it with torch alone, in elements of the computation's precision for each output of its projections.
Measured on Qwen 3.5's gated delta rule and LFM 2's convolution, to an eighth."""


@dataclass(frozen=True)
class _Stack:
    """The decoder's layers within a model. first: of each kind, with how many there are of it."""

    path: str
    first: tuple[tuple[int, torch.nn.Module, int], ...]


def can_build(family: str) -> bool:
    """Whether transformers knows a decoder of that name, as `assay train` loads it."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    name = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(family, "")
    return str(name).endswith(("ForCausalLM", "ForConditionalGeneration"))


def from_built(family: str, config: PretrainedConfig, where: str) -> Architecture:
    """Raises ModelError where transformers cannot build the model, or it is no stack of layers."""
    model = from_config_alone(config, where)
    text = config.get_text_config()
    stack = _stack(model, int(getattr(text, "num_hidden_layers", 0) or 0), family, where)
    lora = frozenset(adaptable(model))
    targetable = frozenset(experts(model))
    layers = tuple(
        (_layer(module, f"{stack.path}.{index}", text, lora, targetable), count) for index, module, count in stack.first
    )
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    outside = {id(embedding), id(head)}
    beside = tuple(
        _linear(name, module, lora, name)
        for name, module in model.named_modules()
        if _is_linear(module) and id(module) not in outside and not name.startswith(f"{stack.path}.")
    )
    vocabulary, hidden = embedding.weight.shape
    found = Architecture(
        family=family,
        vocabulary=int(vocabulary),
        hidden=int(hidden),
        layers=layers,
        final_norm=Norm(0, int(hidden)),
        tied=head is None or head.weight is embedding.weight,
        head_bias=getattr(head, "bias", None) is not None,
        context=getattr(text, "max_position_embeddings", None),
        path=stack.path,
        beside=beside,
    )
    rest = sum(parameter.numel() for parameter in model.parameters()) - found.parameters
    if rest < 0:
        raise ModelError(f"layers of '{family}' share their weights, which a plan cannot count", where=where)
    unknown = tuple(_unknown(family, found, model, stack.path))
    return Architecture(**{**vars(found), "other": rest, "unknown": unknown})


def from_config_alone(config: PretrainedConfig, where: str) -> PreTrainedModel:
    """The model on the meta device, without weights. Raises ModelError."""
    try:
        import torch
        from transformers import AutoModelForCausalLM
    except ImportError as error:
        from assay.errors import missing_extra

        raise missing_extra("train", error) from error
    try:
        with torch.device("meta"):
            built: PreTrainedModel = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except Exception as error:  # any of two hundred modules of transformers, on keys that nobody foresaw
        line = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"transformers cannot build a model of the config: {line:.160}", where=where) from error
    return built


def _stack(model: PreTrainedModel, depth: int, family: str, where: str) -> _Stack:
    """The list of `depth` layers that holds the most parameters."""
    import torch

    lists = [
        (sum(parameter.numel() for parameter in module.parameters()), name, module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) == depth and depth
    ]
    if not lists:
        raise ModelError(f"'{family}' is no stack of {depth} layers, which a plan needs", where=where)
    _, path, layers = max(lists, key=lambda item: item[0])
    kinds: dict[tuple[object, ...], list[Any]] = {}
    for index, layer in enumerate(layers):
        shape = tuple((name, tuple(parameter.shape)) for name, parameter in layer.named_parameters())
        kinds.setdefault(shape, [index, layer, 0])[2] += 1
    return _Stack(path, tuple((index, layer, count) for index, layer, count in kinds.values()))


def _is_linear(module: torch.nn.Module) -> bool:
    import torch
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, torch.nn.Linear | Conv1D)


def _size(module: torch.nn.Module, dimension: int) -> int:
    weight: Any = module.weight
    return int(weight.shape[dimension])


def _linear(name: str, module: torch.nn.Module, lora: frozenset[str], whole: str) -> Linear:
    import torch

    plain = isinstance(module, torch.nn.Linear)  # else GPT-2's, which lies the other way round
    return Linear(
        name=name,
        inputs=_size(module, 1 if plain else 0),
        outputs=_size(module, 0 if plain else 1),
        bias=getattr(module, "bias", None) is not None,
        in_mlp=bool(FEED_FORWARD.search(name)),
        four_bit=type(module) is torch.nn.Linear,
        adaptable=whole in lora,
    )


def _layer(
    module: torch.nn.Module, path: str, config: PretrainedConfig, lora: frozenset[str], targetable: frozenset[str]
) -> Layer:
    linears = tuple(
        _linear(name, part, lora, f"{path}.{name}") for name, part in module.named_modules() if _is_linear(part)
    )
    where, attention = _attention(module, config)
    norms = tuple(_norms(module, attention))
    routed = _experts(module, config, targetable)
    counted = sum(linear.parameters for linear in linears) + sum(norm.parameters for norm in norms)
    counted += routed.count * routed.parameters_each if routed else 0
    down = [linear for linear in linears if linear.in_mlp and linear.leaf in DOWN]
    gated = any(linear.in_mlp and linear.leaf in GATES for linear in linears)
    mixers = [linear for linear in linears if not linear.in_mlp and not linear.name.startswith(where)]
    scan = scan_of(module)
    return Layer(
        linears=linears,
        norms=norms,
        attention=attention,
        mlp_width=sum(linear.inputs for linear in down),
        mlp_saved=3 if gated else ACTIVATION_KEEPS.get(str(getattr(config, "hidden_act", "gelu")), 1),
        experts=routed,
        other=sum(parameter.numel() for parameter in module.parameters()) - counted,
        mixed=0 if scan is not None else _mixed(module, sum(linear.outputs for linear in mixers)),
        scan=scan,
    )


def _mixed(module: torch.nn.Module, outputs: int) -> int:
    """Elements of a token that a layer's mixers keep, where they have no formula."""
    scans = any(name.rpartition(".")[2] == "A_log" for name, _ in module.named_parameters())
    return round((SCANS_KEEP if scans else OTHERS_KEEP) * outputs)


def _norms(module: torch.nn.Module, attention: Attention) -> Iterator[Norm]:
    for name, part in module.named_modules():
        weight = getattr(part, "weight", None)
        if "norm" not in type(part).__name__.lower() or weight is None or weight.ndim != 1:
            continue
        size, leaf = int(weight.numel()), name.rpartition(".")[2]
        width = size
        if size == attention.head_dim and leaf.startswith(("q", "k")):
            width = attention.query_width if leaf.startswith("q") else attention.key_width
        yield Norm(size, max(width, size), bias=getattr(part, "bias", None) is not None)


def _attention(layer: torch.nn.Module, config: PretrainedConfig) -> tuple[str, Attention]:
    """The module with queries, keys and values, and its shape; a name that nothing begins with where there is none."""
    heads = int(getattr(config, "num_attention_heads", 0) or 0)
    sharing = int(getattr(config, "num_key_value_heads", None) or heads)
    for name, module in layer.named_modules():
        parts = {leaf: part for leaf, part in module.named_children() if _is_linear(part)}
        if not heads or not ({"q_proj", "q_b_proj"} & parts.keys() or _fused(parts)):
            continue
        width = int(
            getattr(module, "head_dim", None) or getattr(config, "head_dim", None) or config.hidden_size // heads
        )
        if "kv_b_proj" in parts:
            inner = int(config.qk_nope_head_dim) + int(config.qk_rope_head_dim)
            return name, Attention(heads, heads, inner, int(config.v_head_dim))
        fused = _fused(parts) is not None
        key = parts.get("k_proj")
        shared = sharing if key is None else max(1, _size(key, 0) // width)
        out = parts.get("o_proj") or parts.get("out_proj") or parts.get("dense")
        own = heads if out is None else max(1, _size(out, 1) // width)
        return name, Attention(own, shared, width, width, fused=fused)
    return "\0", Attention(0, 0, 0, 0)


def _fused(parts: Mapping[str, torch.nn.Module]) -> str | None:
    return next((leaf for leaf in ("qkv_proj", "query_key_value", "Wqkv", "c_attn", "qkv") if leaf in parts), None)


def _experts(layer: torch.nn.Module, config: PretrainedConfig, targetable: frozenset[str]) -> Experts | None:
    stacks = [(name, parameter) for name, parameter in layer.named_parameters() if parameter.ndim == 3]
    stacks = [(name, parameter) for name, parameter in stacks if "conv" not in name]
    if not stacks:
        return None
    count = int(stacks[0][1].shape[0])
    tensors = tuple(
        ExpertTensor(name, int(parameter.shape[2]), int(parameter.shape[1]), name in targetable)
        for name, parameter in stacks
        if parameter.shape[0] == count
    )
    hidden = int(config.hidden_size)
    widths = [size for tensor in tensors for size in (tensor.inputs, tensor.outputs) if size != hidden]
    active = next((int(getattr(config, key)) for key in ACTIVE if getattr(config, key, None)), count)
    return Experts(count, min(active, count), hidden, min(widths, default=hidden), tensors)


def _unknown(family: str, found: Architecture, model: PreTrainedModel, path: str) -> Iterator[str]:
    plain = sum(count for layer, count in found.layers if layer.mixed or layer.scan)
    mixers = (
        f", and in {plain} of {found.depth} layers what stands beside or for attention as torch runs it, without "
        "kernels of its own, which keep less"
        if plain
        else ""
    )
    yield (
        f"no formula is made for '{family}': parameters and adapter are those of the model that transformers builds, "
        f"activations are counted as a Llama's of the same widths{mixers}"
    )
    if any(EXPERT_OF_ITS_OWN.search(linear.name) for linear, _ in found.linears()):
        yield "which experts a token meets: hours are counted as if it met them all"
    if found.beside and path.count(".") > 1:
        parts = sorted(
            {linear.name.split(".")[1 if linear.name.startswith("model.") else 0] for linear in found.beside}
        )
        weights = sum(linear.parameters for linear in found.beside)
        yield (
            f"what pictures or sound take: the weights of {', '.join(parts)} are counted ({weights / 1e6:,.0f}M in "
            "linear layers), since they are loaded, and as if no text went through them"
        )
