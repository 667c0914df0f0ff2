"""Models on PyTorch's meta device, and the adapter that training would lay over them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from assay.train.methods.lora import lora_config
from assay.train.recipe import Hardware, resolve
from assay.train.settings import TrainSettings

COMMON = {
    "vocab_size": 320, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def on_meta(values: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    keys = {key: value for key, value in values.items() if key != "model_type"}
    config = AutoConfig.for_model(str(values["model_type"]), **keys)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def parameters(model: Any) -> int:
    return sum(p.numel() for p in model.parameters())


def trained(
    model: Any, rank: int, targets: str | tuple[str, ...] = "all-linear", experts: str | tuple[str, ...] = ()
) -> int:
    """Trainable parameters of the adapter that `assay train` gives the model, which is changed."""
    from peft import get_peft_model

    recipe = resolve(
        TrainSettings(load_in_4bit=False, lora_r=rank, lora_target_modules=targets, lora_target_parameters=experts),
        records=9, longest=9, pad_token_id=0, hardware=Hardware("cpu", False), validated=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = get_peft_model(model, lora_config(recipe, model), low_cpu_mem_usage=True)
    return sum(p.numel() for p in wrapped.parameters() if p.requires_grad)
