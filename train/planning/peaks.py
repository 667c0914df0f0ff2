"""The peak of one run as it is configured: what the benchmark holds against a measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..before.checked import checked_shape
from ..rows import Row
from .memory import Memory, peak_memory
from .reading import from_config
from .workload import Lengths, Method, setup_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PretrainedConfig

    from ..recipe import Recipe


def lengths_of(rows: Sequence[Row]) -> Lengths:
    """Of the records that train; at least one."""
    sizes = sorted(len(row.input_ids) for row in rows)
    trained = sum(row.trained_tokens for row in rows)
    return Lengths(
        records=len(sizes),
        tokens=sum(sizes),
        longest=sizes[-1],
        checked=checked_shape(sizes),
        predicted=trained / sum(sizes),
        unequal=sizes[0] != sizes[-1],
    )


def predicted_peak(config: PretrainedConfig, name: str, recipe: Recipe, training: Sequence[Row]) -> Memory:
    """Raises ModelError, SettingsError."""
    values = config.to_dict()
    architecture = from_config(values, name)
    method: Method = "qlora" if recipe.load_in_4bit else "lora"
    setup = setup_of(recipe, lengths_of(training), method, str(values.get("dtype") or "bfloat16"))
    return peak_memory(architecture, setup)
