"""Weights as training had them, computing in float32, so that what differs between two models is their weights.

Arithmetic in 16 bits moves a log-probability by more than a merge may: of two models that are the same, one with the
adapter beside the base and one with it merged, the figures differ by the order in which they round. Both are computed
in float32, whatever their weights are rounded to.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError
from assay.models import ModelRef, load_base
from assay.models.adapters import load_adapter

from .provenance import Precision

if TYPE_CHECKING:
    import torch

EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings")
"""What modules of the vocabulary are called in the usual architectures."""


def load_as_trained(
    ref: ModelRef, precision: Precision, *, device: str | None = None, trust_remote_code: bool = False
) -> Any:
    """The base with the very weights that the adapter was trained on, computing in float32.

    Raises ModelError, MissingExtraError.
    """
    model = load_base(
        ref,
        load_in_4bit=precision.quantisation is not None,
        bnb_4bit_quant_type=precision.quantisation or "nf4",
        bnb_4bit_use_double_quant=precision.double_quantisation,
        dtype=precision.dtype,
        device=device,
        trust_remote_code=trust_remote_code,
    )
    return compute_in_float32(model)


def compute_in_float32(model: Any) -> Any:
    """Every weight widened to float32, which changes none; 4-bit weights stay as they are and compute in it.

    What the model derives from its config, as Gemma the scale of its embeddings, is derived again: it was rounded when
    the model was loaded in 16 bits, and the merged model, read in float32, would have another.
    """
    import torch

    four_bits = _linear_4bit()
    exact = _derived_buffers(model)
    module: Any
    for name, module in model.named_modules():
        for buffer in module._non_persistent_buffers_set:
            key = f"{name}.{buffer}".lstrip(".")
            if key in exact:
                module._buffers[buffer] = exact[key].to(module._buffers[buffer].device)
        if four_bits is not None and isinstance(module, four_bits):
            module.compute_dtype = torch.float32
            module.compute_type_is_set = True
            module.weight.quant_state.dtype = torch.float32  # else some kernels round what they dequantise, some not
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            if tensor.is_floating_point() and tensor.dtype in (torch.bfloat16, torch.float16):
                tensor.data = tensor.data.float()
    model.config.dtype = torch.float32
    return model


def _derived_buffers(model: Any) -> dict[str, Any]:
    """By name, those that no file holds and that 16 bits have rounded, as a model in float32 makes them; its weights
    are not made."""
    import torch
    from accelerate import init_empty_weights

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    prefix = next((name for name, module in model.named_modules() if module is base), "")
    files = set(base.state_dict())
    rounded = {
        name
        for name, buffer in base.named_buffers()
        if name not in files and buffer.dtype in (torch.bfloat16, torch.float16)
    }
    if not rounded:
        return {}
    config = copy.deepcopy(base.config)
    config.dtype = torch.float32
    with init_empty_weights(include_buffers=False), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = dict(type(base)(config).named_buffers())
    return {
        f"{prefix}.{name}".lstrip("."): plain[name]
        for name in rounded
        if name in plain and not plain[name].is_meta and plain[name].dtype is torch.float32
    }


def _linear_4bit() -> type[Any] | None:
    import sys

    loaded = sys.modules.get("bitsandbytes")
    return loaded.nn.Linear4bit if loaded is not None else None


def dequantize(model: Any) -> Any:
    """4-bit layers replaced by plain ones of the numbers that they stand for, as float32.

    Quantised from the base in the dtype that it was loaded in for training, and dequantised without rounding: training
    in 16 bits multiplied by these numbers as rounded in each of its products.
    """
    import bitsandbytes
    import torch

    for name, layer in list(model.named_modules()):
        if not isinstance(layer, bitsandbytes.nn.Linear4bit):
            continue
        weight = bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
        bias = layer.bias
        plain = torch.nn.Linear(layer.in_features, layer.out_features, bias=bias is not None, device="meta")
        plain.weight = torch.nn.Parameter(weight.reshape(layer.out_features, layer.in_features).float(), False)
        if bias is not None:
            plain.bias = torch.nn.Parameter(bias.data.float(), False)
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, plain)
    _forget_quantisation(model)
    return compute_in_float32(model)


def _forget_quantisation(model: Any) -> None:
    """What transformers noted of the quantisation, which would go into config.json and forbid to cast."""
    for attribute in ("is_quantized", "is_loaded_in_4bit", "_is_quantized_training_enabled"):
        if hasattr(model, attribute):
            setattr(model, attribute, False)
    for attribute in ("hf_quantizer", "quantization_method"):
        if hasattr(model, attribute):
            delattr(model, attribute)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


def lay_over(model: Any, folders: Sequence[Path], names: Sequence[str]) -> Any:
    """The base with the adapters laid over it by `names`, the last switched on.

    The vocabulary grows where tokens were added in training, and embeddings that share their weights are parted where
    an adapter changes one of them. Raises ModelError when an adapter does not fit or holds NaN.
    """
    for folder, name in zip(folders, names, strict=True):
        make_fit(model, folder)
        model = load_adapter(model, folder, name)
    return model


def make_fit(model: Any, folder: Path) -> None:
    """Of the base in place. Raises ModelError where two adapters ask for different vocabularies."""
    shapes = vocabulary_shapes(folder)
    whole = [shape for key, shape in shapes.items() if "lora_" not in key and "trainable_tokens" not in key]
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    sizes = {shape[0] for shape in whole if len(shape) == 2}
    have = int(base.get_input_embeddings().weight.shape[0])
    if sizes - {have}:
        if base is not model or len(sizes) > 1:
            raise ModelError(
                f"its embeddings are of {max(sizes):,} tokens, and those of the adapters before it of {have:,}",
                where=str(folder),
                fix="combine adapters that were trained with the same added tokens",
            )
        base.resize_token_embeddings(sizes.pop(), mean_resizing=False)
    changed = [key for key in shapes if "trainable_tokens" not in key]
    if changed and base is model:
        _part_embeddings(model)


def vocabulary_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """{tensor: shape} of what the adapter holds for the modules of the vocabulary; {} where the file cannot be read,
    which is said when the adapter is loaded."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "adapter_model.safetensors", framework="numpy") as weights:
            return {
                key: tuple(weights.get_slice(key).get_shape())
                for key in weights.keys()  # noqa: SIM118
                if any(f".{name}." in key for name in EMBEDDINGS)
            }
    except (OSError, SafetensorError):
        return {}


def _part_embeddings(model: Any) -> None:
    """Tied embeddings become two tensors: merging into one would change the other, which training left alone."""
    import torch

    output: torch.nn.Module | None = model.get_output_embeddings()
    if output is None or output.weight is not model.get_input_embeddings().weight:
        return
    output.weight = torch.nn.Parameter(output.weight.data.clone(), False)
    model.config.get_text_config().tie_word_embeddings = False
    model.config.tie_word_embeddings = False
