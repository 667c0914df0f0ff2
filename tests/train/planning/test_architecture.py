"""Counts from a config alone, held against the models that transformers and PEFT build of the same config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from assay.errors import ModelError, SettingsError
from assay.train.planning.architecture import Lora
from assay.train.planning.reading import from_config
from assay.train.planning.shapes import load_shapes
from tests.train.planning.counting import COMMON, on_meta, parameters, trained

REAL = dict(load_shapes(None).models)
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


@pytest.mark.parametrize("name", SMALL)
def test_counts_of_small_models_are_those_of_the_built_ones(name: str) -> None:
    architecture = from_config(SMALL[name], name)
    model = on_meta(SMALL[name])
    assert architecture.parameters == parameters(model)
    assert architecture.lora_parameters(Lora(4)) == trained(model, 4)
    assert not architecture.unknown


@pytest.mark.parametrize("name", REAL)
def test_each_shape_of_the_list_has_the_counts_of_a_model_built_of_it_with_few_layers(name: str) -> None:
    """Layers repeat after four at most; the whole depth is built of some, below."""
    values = {**REAL[name], "num_hidden_layers": 4}
    architecture = from_config(values, name)
    model = on_meta(values)
    assert architecture.parameters == parameters(model)
    assert architecture.lora_parameters(Lora(16)) == trained(model, 16)


@pytest.mark.parametrize("name", SOME_REAL)
def test_counts_of_real_sizes_are_those_of_the_built_ones(name: str) -> None:
    architecture = from_config(REAL[name], name)
    model = on_meta(REAL[name])
    assert architecture.parameters == parameters(model)
    assert architecture.lora_parameters(Lora(16)) == trained(model, 16)


@pytest.mark.parametrize("name", ["mixtral", "qwen2 moe", "qwen3 moe", "gpt-oss", "deepseek v2", "deepseek v3"])
def test_experts_are_counted_as_they_are_adapted_when_that_is_asked_for(name: str) -> None:
    architecture = from_config(SMALL[name], name)
    expected = trained(on_meta(SMALL[name]), 4, experts="experts")
    assert architecture.lora_parameters(Lora(4, experts="experts")) == expected
    assert architecture.lora_parameters(Lora(4)) < expected
    one = trained(on_meta(SMALL[name]), 4, experts=("down_proj",))
    assert architecture.lora_parameters(Lora(4, experts=("down_proj",))) == one
    with pytest.raises(SettingsError, match="no experts are called 'up'"):
        architecture.lora_parameters(Lora(4, experts=("up",)))


def test_a_model_without_experts_has_none_to_adapt() -> None:
    with pytest.raises(SettingsError, match="llama has no experts that are one tensor"):
        from_config(SMALL["llama tied"], "x").lora_parameters(Lora(4, experts="experts"))


def test_experts_are_counted_by_the_name_that_a_config_of_the_hub_gives_them() -> None:
    """config.json of Qwen 3 says num_experts, which transformers 5 calls num_local_experts."""
    values = dict(REAL["qwen3-30b-a3b"])
    values["num_experts"] = values.pop("num_local_experts")
    assert from_config(values, "x").parameters == from_config(REAL["qwen3-30b-a3b"], "x").parameters


@pytest.mark.parametrize("name", ["llama tied", "phi3", "falcon 40b"])
def test_chosen_modules_are_counted_as_peft_adapts_them(name: str) -> None:
    chosen = {"llama tied": ("q_proj", "v_proj"), "phi3": ("qkv_proj", "o_proj"), "falcon 40b": ("query_key_value",)}[
        name
    ]
    architecture = from_config(SMALL[name], name)
    assert architecture.lora_parameters(Lora(8, chosen)) == trained(on_meta(SMALL[name]), 8, chosen)


def test_a_regular_expression_chooses_modules_as_peft_reads_it() -> None:
    architecture = from_config(SMALL["llama tied"], "x")
    pattern = r".*\.(gate|up)_proj"
    assert architecture.lora_parameters(Lora(8, pattern)) == trained(on_meta(SMALL["llama tied"]), 8, pattern)
    falcon, pattern = from_config(SMALL["falcon 40b"], "x"), r"transformer\.h\.\d+\.mlp\.dense_.*"
    assert falcon.lora_parameters(Lora(8, pattern)) == trained(on_meta(SMALL["falcon 40b"]), 8, pattern)


def test_a_module_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'q_proj'"):
        from_config(SMALL["qwen2"], "x").lora_parameters(Lora(8, ("q_prj",)))


def test_of_a_mixture_a_token_meets_the_active_experts_alone() -> None:
    assert from_config(REAL["mixtral-8x7b"], "x").active_parameters / 1e9 == pytest.approx(12.9, abs=0.05)
    assert from_config(REAL["qwen3-30b-a3b"], "x").active_parameters / 1e9 == pytest.approx(3.35, abs=0.05)


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
        ({"model_type": "mistral3", "text_config": {"model_type": "mistral"}}, "only its text part .mistral. can be"),
        ({"model_type": "whisperer", "text_config": 5}, "'whisperer' is not one that can be planned"),
        ({"model_type": "smollm3", **COMMON, "num_attention_heads": 0}, "refuses the config|cannot build"),
    ],
)
def test_a_config_that_cannot_be_planned_is_one_line(values: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        from_config(values, "some/model")
    assert "\n" not in str(caught.value) and "some/model" in str(caught.value)
