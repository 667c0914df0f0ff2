"""Counts from a config alone, held against the models that transformers and PEFT build of the same config."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytest

from assay.errors import ModelError, SettingsError
from assay.train.planning.architecture import ALL_LINEAR
from assay.train.planning.reading import from_config
from assay.train.planning.shapes import load_shapes

REAL = dict(load_shapes(None).models)
COMMON = {
    "vocab_size": 320, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
SMALL: Mapping[str, Mapping[str, Any]] = {
    "llama with biases": {"model_type": "llama", **COMMON, "attention_bias": True, "mlp_bias": True},
    "llama tied": {"model_type": "llama", **COMMON, "tie_word_embeddings": True},
    "mistral with wide heads": {"model_type": "mistral", **COMMON, "head_dim": 24},
    "qwen2": {"model_type": "qwen2", **COMMON},
    "qwen3": {"model_type": "qwen3", **COMMON, "head_dim": 32, "attention_bias": True},
    "gemma": {"model_type": "gemma", **COMMON, "head_dim": 16},
    "gemma2": {"model_type": "gemma2", **COMMON, "head_dim": 16},
    "gemma3": {"model_type": "gemma3_text", **COMMON, "head_dim": 16},
    "phi": {"model_type": "phi", **COMMON, "qk_layernorm": True},
    "phi3": {"model_type": "phi3", **COMMON},
    "falcon 7b": {"model_type": "falcon", **COMMON, "multi_query": True, "parallel_attn": True},
    "falcon rw": {"model_type": "falcon", **COMMON, "multi_query": False, "parallel_attn": False, "bias": True},
    "falcon 40b": {"model_type": "falcon", **COMMON, "new_decoder_architecture": True, "num_kv_heads": 2},
    "falcon 11b": {
        "model_type": "falcon", **COMMON, "new_decoder_architecture": True, "num_kv_heads": 2,
        "num_ln_in_parallel_attn": 1,
    },
    "mixtral": {"model_type": "mixtral", **COMMON, "num_local_experts": 4},
    "qwen2 moe": {
        "model_type": "qwen2_moe", **COMMON, "num_experts": 4, "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 48, "decoder_sparse_step": 2,
    },
    "qwen3 moe": {
        "model_type": "qwen3_moe", **COMMON, "num_local_experts": 4, "moe_intermediate_size": 32, "head_dim": 16,
        "mlp_only_layers": [1],
    },
    "gpt-oss": {"model_type": "gpt_oss", **COMMON, "num_local_experts": 4, "head_dim": 16},
    "deepseek v2": {
        "model_type": "deepseek_v2", **COMMON, "num_key_value_heads": 4, "kv_lora_rank": 16, "q_lora_rank": None,
        "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 24, "n_routed_experts": 4, "n_shared_experts": 2,
        "moe_intermediate_size": 32, "num_experts_per_tok": 2, "first_k_dense_replace": 1,
    },
    "deepseek v3": {
        "model_type": "deepseek_v3", **COMMON, "num_key_value_heads": 4, "kv_lora_rank": 16, "q_lora_rank": 24,
        "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16, "n_routed_experts": 8, "n_shared_experts": 1,
        "moe_intermediate_size": 32, "num_experts_per_tok": 2, "first_k_dense_replace": 1, "n_group": 2,
        "topk_group": 1,
    },
}  # fmt: skip
SOME_REAL = ("qwen3-30b-a3b", "llama-3.1-70b", "gemma-3-1b", "falcon-40b", "deepseek-v2-lite", "gpt-oss-20b", "phi-4")


def on_meta(values: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    keys = {key: value for key, value in values.items() if key != "model_type"}
    config = AutoConfig.for_model(str(values["model_type"]), **keys)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def adapted(model: Any, rank: int, targets: str | list[str]) -> int:
    from peft import LoraConfig, get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = LoraConfig(r=rank, target_modules=targets, task_type="CAUSAL_LM")
        wrapped = get_peft_model(model, config, low_cpu_mem_usage=True)
    return sum(p.numel() for p in wrapped.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", SMALL)
def test_counts_of_small_models_are_those_of_the_built_ones(name: str) -> None:
    architecture = from_config(SMALL[name], name)
    model = on_meta(SMALL[name])
    assert architecture.parameters == sum(p.numel() for p in model.parameters())
    assert architecture.lora_parameters(4, ALL_LINEAR) == adapted(model, 4, "all-linear")


@pytest.mark.parametrize("name", SOME_REAL)
def test_counts_of_real_sizes_are_those_of_the_built_ones(name: str) -> None:
    architecture = from_config(REAL[name], name)
    model = on_meta(REAL[name])
    assert architecture.parameters == sum(p.numel() for p in model.parameters())
    assert architecture.lora_parameters(16, ALL_LINEAR) == adapted(model, 16, "all-linear")


@pytest.mark.parametrize("name", ["llama tied", "phi3", "falcon 40b"])
def test_chosen_modules_are_counted_as_peft_adapts_them(name: str) -> None:
    chosen = {"llama tied": ["q_proj", "v_proj"], "phi3": ["qkv_proj", "o_proj"], "falcon 40b": ["query_key_value"]}[
        name
    ]
    architecture = from_config(SMALL[name], name)
    assert architecture.lora_parameters(8, tuple(chosen)) == adapted(on_meta(SMALL[name]), 8, chosen)


def test_a_regular_expression_chooses_modules_as_peft_reads_it() -> None:
    architecture = from_config(SMALL["llama tied"], "x")
    pattern = r".*\.(gate|up)_proj"
    assert architecture.lora_parameters(8, pattern) == adapted(on_meta(SMALL["llama tied"]), 8, pattern)


def test_a_module_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'q_proj'"):
        from_config(SMALL["qwen2"], "x").lora_parameters(8, ("q_prj",))


@pytest.mark.parametrize(("name", "billions"), [("llama-3.1-8b", 8.03), ("qwen3-8b", 8.19), ("mixtral-8x7b", 46.7)])
def test_the_list_of_shapes_has_the_sizes_that_their_makers_state(name: str, billions: float) -> None:
    assert from_config(REAL[name], name).parameters / 1e9 == pytest.approx(billions, abs=0.01)


def test_of_a_mixture_a_token_meets_the_active_experts_alone() -> None:
    assert from_config(REAL["mixtral-8x7b"], "x").active_parameters / 1e9 == pytest.approx(12.9, abs=0.05)
    assert from_config(REAL["qwen3-30b-a3b"], "x").active_parameters / 1e9 == pytest.approx(3.35, abs=0.05)


def test_every_shape_of_the_list_can_be_read() -> None:
    for name, values in REAL.items():
        assert from_config(values, name).parameters > 1e8, name


def test_what_is_in_no_linear_layer_of_torchs_own_is_not_quantised() -> None:
    """transformers replaces `torch.nn.Linear` and no subclass of it, as Falcon's layers are."""
    assert from_config(REAL["falcon-7b"], "x").four_bit_weights == 0
    mixtral = from_config(REAL["mixtral-8x7b"], "x")
    assert mixtral.four_bit_weights / mixtral.parameters < 0.03


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model_type": "bert"}, "'bert' is not one that can be planned"),
        ({"hidden_size": 64}, "no 'model_type' is named"),
        ({"model_type": "lama", **COMMON}, "did you mean 'llama'"),
        ({"model_type": "llama", **COMMON, "num_hidden_layers": "many"}, "refuses the config|needs as a whole number"),
        ({"model_type": "llama", **COMMON, "num_hidden_layers": 0}, "a model of no size"),
        ({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}, "only its text part"),
    ],
)
def test_a_config_that_cannot_be_planned_is_one_line(values: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        from_config(values, "some/model")
    assert "\n" not in str(caught.value) and "some/model" in str(caught.value)
