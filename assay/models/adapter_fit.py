"""Does an adapter belong to a base? Asked of shapes alone, before a weight of the base is read.

What the base's own files say of its layers answers in milliseconds. Where their names are not those of the loaded
model (transformers renames the tensors of some families, other files are quantised), the model that transformers builds
of the config on PyTorch's meta device answers in seconds, and takes no memory. What neither can tell is left to
`load_adapter`, which has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError, ModelError
from assay.models import load_config, resolve
from assay.models.adapters import not_numbers, trained_on
from assay.models.embedded import EMBEDDED, is_installed
from assay.models.tensor_headers import headers_of, read_header

if TYPE_CHECKING:
    from assay.models import ModelRef

WEIGHTS = "adapter_model.safetensors"
PART_OF_A_PAIR = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
FLOATS = ("F64", "F32", "F16", "BF16")
"""Quantised weights are packed, and have other shapes than the layers that they are of."""

OF_THE_VOCABULARY = ("embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings")
"""Made longer for an adapter's own tokens when it is loaded."""

FAULTS = (
    AssayError, ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""Of building a model: two hundred modules of transformers meet keys that nobody foresaw."""

Shape = tuple[int, int]
"""What a layer takes and gives, the smaller first: GPT-2's lie the other way round in their file."""


@dataclass(frozen=True)
class _Layers:
    """A base's linear layers by whole name, and by what follows the last part that is counted ("self_attn.q_proj" of
    layer 3), which stays the same where the decoder is wrapped in something else."""

    named: Mapping[str, Shape]
    counted: Mapping[str, Mapping[int, frozenset[Shape]]]

    @classmethod
    def of(cls, named: Mapping[str, Shape]) -> _Layers:
        counted: dict[str, dict[int, frozenset[Shape]]] = {}
        for name, shape in named.items():
            within, number = _place(name)
            if number is not None:
                of_kind = counted.setdefault(within, {})
                of_kind[number] = of_kind.get(number, frozenset()) | {shape}
        return cls(named, counted)

    def misfit(self, module: str, shape: Shape) -> str | None:
        """In words, why the module cannot be one of these; "" where they do not tell, None where it fits."""
        found = self.named.get(module)
        if found == shape:
            return None
        within, number = _place(module)
        of_kind = self.counted.get(within, {})
        if number is not None and of_kind and number not in of_kind:
            return f"{module} is not there: this model has {len(of_kind)} layers with {within}"
        shapes = of_kind.get(number, frozenset()) if number is not None else frozenset()
        if shape in shapes:
            return None
        here = found or (min(shapes) if shapes else None)
        if here is None:
            return ""
        return f"{module} is {shape[0]} x {shape[1]} there and {here[0]} x {here[1]} here"


def check_fit(ref: ModelRef, folder: Path, *, trust_remote_code: bool = False) -> None:
    """Raises ModelError for an adapter of another architecture, as far as shapes can tell it, or of packed numbers."""
    odd = {key: tensor for key, tensor in read_header(folder / WEIGHTS).items() if tensor.dtype not in FLOATS}
    for key, tensor in odd.items():
        raise not_numbers(key, tensor.dtype, folder)
    pairs = adapted_layers(folder)
    if not pairs:
        return
    unknown = _refuse_misfits(_Layers.of(_layers_in_files(ref)), pairs, folder)
    if not unknown:
        return
    built = _Layers.of(_built_layers(ref, trust_remote_code=trust_remote_code))
    if built.named and len(_refuse_misfits(built, pairs, folder)) == len(pairs):
        raise ModelError(
            f"the adapter does not fit this base model: none of its {len(pairs)} layers is there ({min(pairs)})",
            where=str(folder),
            fix=trained_on(folder),
        )


def check_fit_here(name: str, folder: Path | None, *, trust_remote_code: bool = False) -> None:
    """`check_fit` for a base as it was named, where that is a folder or installed: in milliseconds, before a tokenizer
    is loaded, which takes seconds. Nothing without an adapter. Raises ModelError."""
    if folder is None:
        return
    if (Path(name).expanduser() / "config.json").is_file() or (name in EMBEDDED and is_installed(EMBEDDED[name])):
        check_fit(resolve(name, offline=True), folder, trust_remote_code=trust_remote_code)


def adapted_layers(folder: Path) -> dict[str, Shape]:
    """The plain linear layers that a LoRA adapter lies over, experts and the vocabulary left out."""
    inputs: dict[str, int] = {}
    outputs: dict[str, int] = {}
    for key, tensor in read_header(folder / WEIGHTS).items():
        part = PART_OF_A_PAIR.fullmatch(key)
        if part is None or len(tensor.shape) != 2 or _is_special(part[1]):
            continue
        if part[2] == "A":
            inputs[part[1]] = tensor.shape[1]
        else:
            outputs[part[1]] = tensor.shape[0]
    return {name: _shape(inputs[name], outputs[name]) for name in inputs.keys() & outputs.keys()}


def _refuse_misfits(layers: _Layers, pairs: Mapping[str, Shape], folder: Path) -> list[str]:
    """The modules that the layers say nothing of. Raises ModelError for the first that does not fit."""
    unknown = []
    for module, shape in sorted(pairs.items()):
        misfit = layers.misfit(module, shape)
        if misfit:
            raise ModelError(
                f"the adapter does not fit this base model: {misfit}", where=str(folder), fix=trained_on(folder)
            )
        if misfit is not None:
            unknown.append(module)
    return unknown


def _layers_in_files(ref: ModelRef) -> dict[str, Shape]:
    return {
        name.removesuffix(".weight"): _shape(*tensor.shape)
        for name, tensor in headers_of(ref).items()
        if name.endswith(".weight") and len(tensor.shape) == 2 and tensor.dtype in FLOATS and not _is_special(name)
    }


def _built_layers(ref: ModelRef, *, trust_remote_code: bool) -> dict[str, Shape]:
    """{} where transformers cannot build the model: loading it says why."""
    try:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.pytorch_utils import Conv1D

        config = load_config(ref, trust_remote_code=trust_remote_code)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)
    except FAULTS:
        return {}
    return {
        name: _shape(*module.weight.shape)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and not _is_special(name)
    }


def _is_special(name: str) -> bool:
    parts = name.split(".")
    return any("experts" in part or part in OF_THE_VOCABULARY for part in parts)


def _shape(one: int, other: int) -> Shape:
    return min(one, other), max(one, other)


def _place(name: str) -> tuple[str, int | None]:
    """'model.layers.3.self_attn.q_proj' -> ('self_attn.q_proj', 3)"""
    found = re.fullmatch(r"(?:.*\.)?(\d+)\.(\D+)", name)
    return (found[2], int(found[1])) if found else (name, None)
