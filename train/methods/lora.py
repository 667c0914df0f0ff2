"""PEFT's configuration of the adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recipe import Recipe
from .initial import in_peft
from .new_tokens import trainable_rows
from .target_modules import adaptable, check_target_modules, experts, routers, target_parameters, unadaptable

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel


def lora_config(recipe: Recipe, model: PreTrainedModel) -> LoraConfig:
    """Raises SettingsError when targets match nothing that can be adapted."""
    from peft import LoraConfig

    target = recipe.lora_target_modules
    check_target_modules(model, target)
    if target == "all-linear" and (experts(model) or unadaptable(model)):
        # PEFT takes the string for the layers that experts were before they became one tensor, routers among them.
        target = adaptable(model)
    return LoraConfig(
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=target if isinstance(target, str) else list(target),
        exclude_modules=(routers(model) or None) if target == "all-linear" else None,
        target_parameters=target_parameters(model, recipe.lora_target_parameters),
        use_rslora=recipe.use_rslora,
        use_dora=recipe.use_dora,
        init_lora_weights=in_peft(recipe),
        trainable_token_indices=trainable_rows(model, recipe.new_token_ids),
        task_type="CAUSAL_LM",
    )
