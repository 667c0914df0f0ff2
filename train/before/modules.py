"""Is there anything of the names that an adapter is to be laid over? Asked of a model without weights."""

from __future__ import annotations

from assay.errors import AssayError, ModelError
from assay.models import ModelRef, load_config

from ..methods.target_modules import check_target_modules, target_parameters
from ..planning.built import from_config_alone
from ..planning.reading import from_model
from ..planning.workload import lora_of
from ..recipe import Recipe


def check_modules(recipe: Recipe, ref: ModelRef) -> None:
    """Raises SettingsError when names match nothing. What transformers cannot build of the config alone is left to the
    model as it is loaded."""
    if recipe.lora_target_modules == "all-linear" and not recipe.lora_target_parameters:
        return
    try:
        model = from_config_alone(load_config(ref), ref.name)
    except ModelError:
        return
    check_target_modules(model, recipe.lora_target_modules)
    target_parameters(model, recipe.lora_target_parameters)


def adapter_parameters(recipe: Recipe, ref: ModelRef) -> int:
    """Of the adapter, by the model's config alone; 0 where its shape is not known."""
    try:
        return from_model(ref).lora_parameters(lora_of(recipe))
    except AssayError:
        return 0
