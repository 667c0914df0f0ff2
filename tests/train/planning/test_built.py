"""Families without a formula: what a plan says of them is held against the built model and the trainer's adapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from assay.errors import ModelError
from assay.train.planning.architecture import Lora
from assay.train.planning.reading import FAMILIES, from_config
from tests.train.planning.counting import COMMON, on_meta, parameters, trained

MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
GATED_DELTA = {
    "head_dim": 16, "num_hidden_layers": 4, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "linear_key_head_dim": 16, "linear_value_head_dim": 16,
}  # fmt: skip
TEXT = {key: value for key, value in COMMON.items() if not key.endswith("token_id")}
SEES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56,
        "patch_size": 14}  # fmt: skip
NEWER: Mapping[str, Mapping[str, Any]] = {
    "Qwen 3.5": {"model_type": "qwen3_5_text", **COMMON, **GATED_DELTA},
    "Qwen 3.5 with experts": {
        "model_type": "qwen3_5_moe_text", **COMMON, **GATED_DELTA, **MOE, "shared_expert_intermediate_size": 48,
    },
    "Qwen 3 Next": {
        "model_type": "qwen3_next", **COMMON, **GATED_DELTA, **MOE, "shared_expert_intermediate_size": 48,
    },
    "Gemma 3 that sees": {
        "model_type": "gemma3", "text_config": {**TEXT, "head_dim": 16}, "vision_config": SEES,
        "mm_tokens_per_image": 4,
    },
    "Gemma 4": {"model_type": "gemma4_text", **COMMON, "head_dim": 16, "hidden_size_per_layer_input": 8},
    "Llama 4": {
        "model_type": "llama4_text", **COMMON, "head_dim": 16, "num_local_experts": 4, "intermediate_size_mlp": 96,
        "interleave_moe_layer_step": 2, "num_hidden_layers": 4,
    },
    "SmolLM 3": {"model_type": "smollm3", **COMMON},
    "OLMo 2": {"model_type": "olmo2", **COMMON},
    "OLMo 3": {"model_type": "olmo3", **COMMON},
    "Granite": {"model_type": "granite", **COMMON},
    "Granite with experts": {"model_type": "granitemoe", **COMMON, "num_local_experts": 4, "num_experts_per_tok": 2},
    "Granite 4": {
        "model_type": "granitemoehybrid", **COMMON, "num_local_experts": 4, "num_experts_per_tok": 2,
        "shared_intermediate_size": 48, "layer_types": ["mamba", "attention", "mamba"], "mamba_n_heads": 8,
        "mamba_d_head": 16, "mamba_d_state": 16, "position_embedding_type": "nope",
    },
    "Falcon H1": {
        "model_type": "falcon_h1", **COMMON, "mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16,
        "mamba_d_state": 16,
    },
    "Ministral 3": {"model_type": "ministral3", **COMMON, "head_dim": 16},
    "GLM 4": {"model_type": "glm4", **COMMON, "head_dim": 16},
    "GLM 4.5": {
        "model_type": "glm4_moe", **COMMON, "head_dim": 16, "n_routed_experts": 4, "num_experts_per_tok": 2,
        "moe_intermediate_size": 32, "first_k_dense_replace": 1,
    },
    "Phi 3.5 with experts": {"model_type": "phimoe", **COMMON, "num_local_experts": 4},
    "LFM 2": {
        "model_type": "lfm2", **COMMON, "layer_types": ["conv", "full_attention", "conv"],
        "block_auto_adjust_ff_dim": False,
    },
    "ERNIE 4.5": {"model_type": "ernie4_5", **COMMON, "head_dim": 16},
    "Seed OSS": {"model_type": "seed_oss", **COMMON, "head_dim": 16},
    "EXAONE 4": {"model_type": "exaone4", **COMMON},
    "Hunyuan": {"model_type": "hunyuan_v1_dense", **COMMON, "head_dim": 16},
    "Apertus": {"model_type": "apertus", **COMMON},
    "Command R7B": {"model_type": "cohere2", **COMMON},
    "StarCoder 2": {"model_type": "starcoder2", **COMMON},
}  # fmt: skip


@pytest.mark.parametrize("name", NEWER)
def test_parameters_and_adapter_are_those_of_the_built_model(name: str) -> None:
    values = NEWER[name]
    assert values["model_type"] not in FAMILIES
    architecture = from_config(values, name)
    model = on_meta(values)
    assert architecture.parameters == parameters(model)
    assert architecture.depth == model.config.get_text_config().num_hidden_layers
    assert architecture.lora_parameters(Lora(4)) == trained(model, 4)
    assert any("no formula is made for" in line for line in architecture.unknown)


@pytest.mark.parametrize("name", ["Qwen 3.5 with experts", "Llama 4", "GLM 4.5"])
def test_experts_are_adapted_when_asked_for(name: str) -> None:
    architecture = from_config(NEWER[name], name)
    assert architecture.lora_parameters(Lora(4, experts="experts")) == trained(
        on_meta(NEWER[name]), 4, experts="experts"
    )
    assert architecture.active_parameters < architecture.parameters


def test_what_a_plan_cannot_know_is_a_line_of_it() -> None:
    said = {
        name: " ".join(from_config(NEWER[name], name).unknown) for name in ("OLMo 2", "Qwen 3.5", "Gemma 3 that sees")
    }
    assert said["OLMo 2"].endswith("activations are counted as a Llama's of the same widths")
    assert "in 3 of 4 layers what stands beside or for attention as torch runs it" in said["Qwen 3.5"]
    assert "the weights of vision_tower are counted" in said["Gemma 3 that sees"]


def test_a_file_of_quantised_weights_is_said_to_be_planned_as_widened() -> None:
    values = {
        "model_type": "gpt_oss",
        **COMMON,
        "num_local_experts": 4,
        "quantization_config": {"quant_method": "mxfp4"},
    }
    (line,) = from_config(values, "x").unknown
    assert "quantised already (mxfp4)" in line and "\n" not in line


def test_layers_that_share_their_weights_are_refused() -> None:
    values = {
        "model_type": "zamba2",
        **COMMON,
        "mamba_d_state": 16,
        "n_mamba_heads": 4,
        "layers_block_type": ["mamba", "hybrid", "hybrid"],
    }
    with pytest.raises(ModelError, match=r"share their weights|cannot build") as caught:
        from_config(values, "some/model")
    assert "\n" not in str(caught.value)
