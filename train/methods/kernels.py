"""Faster kernels from elsewhere, for a GPU: Liger's for layers, and Unsloth's model in place of transformers'.

Asked for where they cannot run, they are refused before any time is spent, in one line.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from assay.errors import SettingsError
from assay.models import ModelRef, load_base

from ..processes.strategy import sharing
from ..recipe import Hardware, Recipe
from ..settings import TrainSettings
from .liger import interpreted
from .unsloth import load_by_unsloth

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def check_kernels(settings: TrainSettings, hardware: Hardware) -> None:
    """Raises SettingsError for what is not installed, or has no GPU to run on. Triton's interpreter needs none."""
    asked = [("use_liger_kernel: true", "liger_kernel", "liger-kernel")] if settings.use_liger_kernel else []
    asked += [("backend: unsloth", "unsloth", "unsloth")] if settings.backend == "unsloth" else []
    for setting, module, package in asked:
        if not hardware.is_gpu and not (module == "liger_kernel" and interpreted()):
            raise SettingsError(f"{setting} needs a CUDA GPU, and training is on {hardware.device}", fix="leave it out")
        if importlib.util.find_spec(module) is None:
            raise SettingsError(f"{setting}: {package} is not installed", fix=f"pip install {package}, or leave it out")
    if settings.backend == "unsloth" and hardware.processes > 1:
        raise SettingsError("backend: unsloth trains in one process here", fix="leave --processes out, or backend")


def load_model(ref: ModelRef, recipe: Recipe) -> PreTrainedModel:
    """What trains. A model that is to be sharded begins in the memory of the processor: a card may not hold all of it.

    FSDP shares out no integers, so that its 4-bit weights are stored as numbers of the dtype that the rest has
    (https://huggingface.co/docs/bitsandbytes/fsdp_qlora); DeepSpeed does, and would convert numbers to other ones.
    """
    if recipe.backend == "unsloth":
        return load_by_unsloth(ref, recipe)
    chosen = sharing()
    return load_base(
        ref,
        load_in_4bit=recipe.load_in_4bit,
        bnb_4bit_quant_type=recipe.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=recipe.bnb_4bit_use_double_quant,
        bnb_4bit_quant_storage=recipe.dtype if chosen.by == "fsdp" else "uint8",
        dtype=recipe.dtype,
        device="cpu" if chosen.shares_model else recipe.device,
    )
