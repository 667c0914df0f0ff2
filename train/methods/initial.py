"""What an adapter starts from: zero, the largest directions of the weights (PiSSA), or what 4 bits lost (LoftQ).

PiSSA (Meng, Wang and Zhang, arXiv:2404.02948) moves the largest singular directions of each weight into the adapter
and leaves the rest in the base, which is then a base of its own. The adapter is saved as the difference to its start,
of twice the rank, so that it belongs to the base that everybody has.

LoftQ (Li et al., arXiv:2310.08659) starts from a low-rank approximation of what quantisation lost. Its later
iterations quantise another matrix than the weight and so ship a base of their own; one iteration leaves the base as
anybody loads it in 4 bits, and is what is done here. PEFT's `replace_lora_weights_loftq` does the same on CUDA alone
and without dividing by lora_alpha / lora_r.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import TrainingError
from assay.models import ModelRef, load_base, load_config

from ..recipe import Recipe

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

INITIAL = "initial"
OVERSAMPLED, ITERATIONS = 16, 8
"""Of the randomised singular value decomposition (Halko, Martinsson and Tropp, 2011, algorithms 4.3 and 4.4)."""


def in_peft(recipe: Recipe) -> bool | str:
    """What PEFT is told; LoftQ is done by `initialise`."""
    return True if recipe.init_lora_weights == "loftq" else recipe.init_lora_weights


def is_pissa(recipe: Recipe) -> bool:
    return str(recipe.init_lora_weights).startswith("pissa")


def initialise(model: PeftModel, recipe: Recipe, ref: ModelRef, folder: Path, say: Callable[[str], None]) -> None:
    """Keeps the start of PiSSA in `folder`, and makes that of LoftQ.

    Both come out the same when a run is resumed: the decompositions are of the same weights, with the same seed.
    Raises TrainingError when the base's weights cannot be found in full precision.
    """
    if is_pissa(recipe):
        # A config that says PiSSA would have PEFT decompose again whatever base it loads the adapter over.
        model.peft_config["default"].init_lora_weights = True
        first = os.environ.get("RANK", "0") == "0"
        model.save_pretrained(str(folder / INITIAL), save_embedding_layers=False, is_main_process=first)
    elif recipe.init_lora_weights == "loftq":
        error = start_from_what_was_lost(model, ref, recipe.seed)
        say(
            f"train: LoftQ: the adapter starts with what 4 bits lost: the weights' error falls from {error.before:.2%} "
            f"to {error.after:.2%} of their norm"
        )


def initial_adapter(recipe: Recipe, folder: Path) -> Path | None:
    """Where the start lies that has to be taken off the adapter again; None where the base is whole."""
    return folder / INITIAL if is_pissa(recipe) else None


@dataclass(frozen=True)
class Error:
    """Frobenius norm of the difference to the base's weights over theirs, with the quantised base alone and with the
    adapter over it."""

    before: float
    after: float


def start_from_what_was_lost(model: PeftModel, ref: ModelRef, seed: int) -> Error:
    """Sets A and B of each adapted 4-bit layer to the best approximation, of their rank, of W less its 4-bit copy."""
    import torch

    whole = _whole_weights(ref)
    total = before = after = 0.0
    for name, layer in _quantised(model).items():
        weight = whole.get(name)
        if weight is None:
            raise TrainingError(
                f"init_lora_weights: loftq: the base has no weights of {name} in full precision to start from",
                fix="leave init_lora_weights out",
            )
        lost = weight.to(layer.base_layer.weight.device, torch.float32) - dequantised(layer.base_layer)
        b, a = low_rank(lost, layer.r["default"], seed)
        root = layer.scaling["default"] ** 0.5
        for matrix, value in ((layer.lora_A, a), (layer.lora_B, b)):
            parameter = matrix["default"].weight
            parameter.data.copy_(value / root)
        total += float(weight.float().square().sum())
        before += float(lost.square().sum())
        after += float((lost - b @ a).square().sum())
    return Error((before / total) ** 0.5, (after / total) ** 0.5)


def low_rank(matrix: torch.Tensor, rank: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """B (rows, rank) and A (rank, columns) whose product approximates the matrix best; the singular values are shared
    by both halves."""
    import torch

    with torch.random.fork_rng(devices=[matrix.device] if matrix.is_cuda else []):
        torch.manual_seed(seed)
        u, s, v = torch.svd_lowrank(matrix, q=min(rank + OVERSAMPLED, *matrix.shape), niter=ITERATIONS)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:, :rank].T


def dequantised(layer: torch.nn.Module) -> torch.Tensor:
    """The weight that a 4-bit layer multiplies by, in float32."""
    import torch
    from bitsandbytes.functional import dequantize_4bit

    weight: Any = layer.weight
    value: torch.Tensor = dequantize_4bit(weight.data, weight.quant_state)
    return value.to(torch.float32).reshape(int(layer.out_features), int(layer.in_features))  # type: ignore[arg-type]


def _quantised(model: PeftModel) -> dict[str, Any]:
    """{name in the base: adapted layer}"""
    from peft.tuners.lora.bnb import Linear4bit

    base = model.get_base_model()
    return {name: module for name, module in base.named_modules() if isinstance(module, Linear4bit)}


def _whole_weights(ref: ModelRef) -> dict[str, torch.Tensor]:
    """{name: weight} of every linear layer, on the CPU, in the precision in which they are stored."""
    import torch

    stored: Any = getattr(load_config(ref), "dtype", None)
    half = {torch.bfloat16: "bfloat16", torch.float16: "float16"}.get(stored, "float32")
    model = load_base(ref, dtype=half, device="cpu")
    return {name: module.weight.data for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
