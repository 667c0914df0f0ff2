"""Has the card room for this run? Said before its weights are loaded, when nothing was spent yet."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.models import load_config

from ..full_memory import smaller
from .peaks import predicted_peak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.models import ModelRef

    from ..recipe import Recipe
    from ..rows import Row


def room_warning(recipe: Recipe, training: Sequence[Row], ref: ModelRef) -> str | None:
    """Where the peak that a plan counts is above what is free of a GPU. A warning and no refusal: the plan's terms for
    GPUs are not measured, and some of what others hold may go.

    None for several processes and for a model that cannot be planned.
    """
    if not recipe.device.startswith("cuda") or recipe.processes > 1:
        return None
    import torch

    peak = None
    with contextlib.suppress(AssayError):
        peak = predicted_peak(load_config(ref), ref.name, recipe, training).peak
    free, _ = torch.cuda.mem_get_info(recipe.device)
    free += torch.cuda.memory_reserved(recipe.device)  # of this process, from a model that is gone by then
    if peak is None or peak <= free:
        return None
    return (
        f"a plan counts {peak / 1e9:.1f} GB at the peak, and {free / 1e9:.1f} GB of {recipe.device} are free: "
        f"{smaller(recipe)}, or end what else uses the card; `assay plan` says what each setting takes"
    )
