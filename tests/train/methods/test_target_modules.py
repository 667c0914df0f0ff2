"""The adapter lies over the linear layers of every architecture, and never over the head or a router."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.models import load_adapter, load_base, resolve
from assay.train.methods.target_modules import check_target_modules, experts, left_alone, routers
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.train.trained import Trained

SMALL: dict[str, Any] = {
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "pad_token_id": 257,
    "bos_token_id": None,
    "eos_token_id": 256,
}


def build(kind: str) -> Any:
    import transformers as t

    torch.manual_seed(0)
    made: dict[str, Callable[[], Any]] = {
        "phi3": lambda: t.Phi3ForCausalLM(t.Phi3Config(**SMALL)),
        "falcon": lambda: t.FalconForCausalLM(t.FalconConfig(**{**SMALL, "new_decoder_architecture": True})),
        "gpt2": lambda: t.GPT2LMHeadModel(t.GPT2Config(vocab_size=320, n_embd=64, n_layer=2, n_head=4)),
        "mixtral": lambda: t.MixtralForCausalLM(t.MixtralConfig(**SMALL, num_local_experts=4)),
        "qwen2_moe": lambda: t.Qwen2MoeForCausalLM(
            t.Qwen2MoeConfig(**SMALL, num_experts=4, moe_intermediate_size=64, shared_expert_intermediate_size=64)
        ),
        "glm4_moe": lambda: t.Glm4MoeForCausalLM(
            t.Glm4MoeConfig(
                **SMALL, n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=64, first_k_dense_replace=1
            )
        ),
        "falcon_h1": lambda: t.FalconH1ForCausalLM(
            t.FalconH1Config(**SMALL, mamba_d_ssm=64, mamba_n_heads=4, mamba_d_head=16, mamba_d_state=16)
        ),
        "mamba": lambda: t.MambaForCausalLM(t.MambaConfig(vocab_size=320, hidden_size=64, num_hidden_layers=2)),
        "jetmoe": lambda: t.JetMoeForCausalLM(
            t.JetMoeConfig(**{**SMALL, "kv_channels": 16, "num_local_experts": 4, "num_experts_per_tok": 2})
        ),
    }
    return made[kind]()


def adapted(model: Any, target: str | Sequence[str] = "all-linear", **settings: Any) -> set[str]:
    """The last parts of the names of all that got an A."""
    from peft import get_peft_model

    from assay.train.methods.lora import lora_config
    from assay.train.recipe import Hardware, resolve

    recipe = resolve(
        TrainSettings(load_in_4bit=False, lora_target_modules=target if isinstance(target, str) else tuple(target),
                      **settings),
        records=9, longest=9, pad_token_id=0, hardware=Hardware("cpu", False), validated=False,
    )  # fmt: skip
    peft = get_peft_model(model, lora_config(recipe, model))
    return {name.partition(".lora_A.")[0].rpartition(".")[2] for name, _ in peft.named_parameters() if "lora_A" in name}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("phi3", {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}),
        ("falcon", {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}),
        ("gpt2", {"c_attn", "c_proj", "c_fc"}),
        ("mixtral", {"q_proj", "k_proj", "v_proj", "o_proj"}),
        ("qwen2_moe", {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}),
    ],
)
def test_all_linear_is_every_linear_layer_but_head_and_routers(kind: str, expected: set[str]) -> None:
    assert adapted(build(kind)) == expected


def test_dense_layers_by_the_name_of_experts_are_left_out_since_peft_takes_them_for_the_experts() -> None:
    model = build("glm4_moe")
    assert "model.layers.0.mlp.gate_proj" in dict(model.named_modules())
    assert adapted(model) == {"q_proj", "k_proj", "v_proj", "o_proj"}
    with pytest.raises(SettingsError, match="'gate_proj' matches gate_proj, which PEFT cannot adapt in this architec"):
        adapted(build("glm4_moe"), ["gate_proj"])


def test_what_kernels_read_past_an_adapter_is_left_out() -> None:
    assert "out_proj" not in adapted(build("falcon_h1"))
    assert {"in_proj", "q_proj", "gate_proj"} <= adapted(build("falcon_h1"))
    with pytest.raises(SettingsError, match="matches out_proj, which PEFT cannot adapt"):
        adapted(build("falcon_h1"), ["out_proj"])


def test_what_is_multiplied_with_as_weights_is_left_out_since_an_adapter_there_would_not_train() -> None:
    model = build("mamba")
    assert "backbone.layers.0.mixer.dt_proj" in dict(model.named_modules())
    assert adapted(model) == {"in_proj", "x_proj"}
    with pytest.raises(SettingsError, match="'dt_proj' matches dt_proj, which PEFT cannot adapt"):
        adapted(build("mamba"), ["dt_proj"])


@pytest.mark.parametrize("kind", ["qwen2_moe", "jetmoe"])
def test_routers_that_are_linear_layers_are_found_and_left_out(kind: str) -> None:
    model = build(kind)
    found = routers(model)
    assert len(found) in (2, 4)  # of the experts, and of attention too where that has some
    assert not {name.rpartition(".")[2] for name in found} & adapted(model)
    with pytest.raises(SettingsError, match="matches the router"):
        check_target_modules(build(kind), [found[0].rpartition(".")[2]])


def test_a_dense_model_has_no_routers() -> None:
    assert routers(build("phi3")) == []


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("phi3", "q_proj", "has it within qkv_proj"),
        ("phi3", "up_proj", "has it within gate_up_proj"),
        ("falcon", "v_proj", "has it within query_key_value"),
        ("gpt2", "k_proj", "has it within c_attn"),
        ("mixtral", "q_porj", "did you mean 'q_proj'"),
    ],
)
def test_a_name_of_another_architecture_is_answered_with_the_one_of_this(kind: str, name: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        check_target_modules(build(kind), [name])


def test_experts_are_adapted_where_that_is_asked_for() -> None:
    model = build("mixtral")
    assert set(experts(model)) == {"mlp.experts.gate_up_proj", "mlp.experts.down_proj"}
    assert "experts" in adapted(model, lora_target_parameters="experts")
    with pytest.raises(SettingsError, match=r"no experts are called 'mlp\.experts\.up'"):
        adapted(build("mixtral"), lora_target_parameters=("mlp.experts.up",))
    with pytest.raises(SettingsError, match="has no experts"):
        adapted(build("phi3"), lora_target_parameters="experts")


def test_what_is_left_of_the_experts_is_said_with_its_share() -> None:
    model = build("mixtral")
    share = sum(experts(model).values()) / sum(p.numel() for p in model.parameters())
    said = left_alone(model, adapted=False, load_in_4bit=True)
    assert said is not None
    assert said.startswith(f"the experts hold {share:.0%} of the weights and are not adapted")
    assert "bitsandbytes quantises linear layers alone" in said
    assert left_alone(model, adapted=True, load_in_4bit=False) is None
    assert left_alone(build("phi3"), adapted=False, load_in_4bit=True) is None


def test_experts_go_with_plain_lora_alone() -> None:
    with pytest.raises(SettingsError, match="plain LoRA"):
        TrainSettings(lora_target_parameters="experts", use_dora=True)


def test_a_mixture_of_experts_trains_and_its_adapter_has_the_loss_that_was_reported(
    make_colours: Callable[..., Dataset], target: ChatTarget, tmp_path: Path
) -> None:
    """Experts adapted, routers not; without a balancing loss in what is reported."""
    from assay.train.collator import Collator
    from assay.train.rows import encode_rows

    folder = tmp_path / "mixtral"
    build("mixtral").save_pretrained(folder)
    target.tokenizer.save_pretrained(folder)
    data = make_colours(24, 8)
    settings = TrainSettings(
        load_in_4bit=False, dtype="float32", device="cpu", learning_rate=5e-3, num_train_epochs=4,
        effective_batch_size=8, lora_target_parameters="experts",
    )  # fmt: skip
    run: Trained = train(data, settings, tmp_path / "out", str(folder))
    assert run.recipe.lora_dropout == 0
    assert run.validation_loss is not None and run.validation_loss_before is not None
    assert run.validation_loss < 0.7 * run.validation_loss_before
    model = load_adapter(load_base(resolve(str(folder)), dtype="float32", device="cpu"), run.adapter, "candidate")
    rows = sorted(encode_rows(data, settings, target).validation, key=lambda row: len(row.input_ids))
    batch = Collator(target.pad_token_id)([{"input_ids": r.input_ids, "labels": r.labels} for r in rows])
    with torch.inference_mode():
        assert float(model(**batch).loss) == pytest.approx(run.validation_loss, abs=1e-3)
