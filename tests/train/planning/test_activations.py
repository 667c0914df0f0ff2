"""What a layer keeps for the backward pass, by formula, beside what autograd really saved of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.train.methods.target_modules import adaptable
from assay.train.planning.activations import saved_of_layer
from assay.train.planning.architecture import ALL_LINEAR
from assay.train.planning.reading import from_config
from assay.train.planning.workload import Setup, Workload

COMMON = {
    "vocab_size": 256, "hidden_size": 128, "intermediate_size": 320, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 1024, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2,
}  # fmt: skip
WORK = Workload(
    batch=2, sequence=96, predicted=20, padded=False, eager=False, checkpointing=False, dropout=0.05
)  # fmt: skip
SETUP = Setup(
    method="lora", dtype="bfloat16", file_bytes=2, cuda=False, double_quant=True, rank=8, targets=ALL_LINEAR,
    dora=False, step=WORK, check=None,
)  # fmt: skip


def really_saved(
    values: Mapping[str, Any],
    setup: Setup,
    work: Workload,
    layers: int,
    folder: Path,
    changed: Callable[[Any], None] = lambda base: None,
) -> int:
    """Bytes of the storages that autograd holds after a forward pass, parameters and constants left out.

    changed  is given the model beneath the adapter before the pass
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    from assay.models import load_base, resolve
    from assay.train.dropout import speed_up_dropout

    torch.manual_seed(0)
    keys = {**values, "num_hidden_layers": layers}
    dtype = getattr(torch, setup.dtype)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(keys.pop("model_type"), **keys)).to(dtype)
    if setup.method == "qlora":
        model.save_pretrained(folder)
        model = load_base(resolve(str(folder)), load_in_4bit=True, dtype=setup.dtype, device="cpu")
    if model._supports_sdpa:  # else it has no attention
        model.set_attn_implementation("eager" if work.eager else "sdpa")
    targets = setup.targets if isinstance(setup.targets, str) else list(setup.targets)
    if setup.targets == ALL_LINEAR:
        targets = list(adaptable(model))  # some kernels read a layer past its adapter, and PEFT refuses all-linear
    config = LoraConfig(r=setup.rank, lora_dropout=work.dropout, target_modules=targets, task_type="CAUSAL_LM")
    model = get_peft_model(model, config).train()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    speed_up_dropout(model)
    changed(model.get_base_model())
    held: dict[int, int] = {}
    known = {parameter.untyped_storage().data_ptr() for parameter in (*model.parameters(), *model.buffers())}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(3, 200, (work.batch, work.sequence))
    mask = torch.ones_like(ids)
    if work.padded:
        mask[1, work.sequence // 2 :] = 0
    # What stands before the layers takes part, as the output of any layer but the first does.
    embedded = model.get_input_embeddings()(ids).detach().requires_grad_()
    half = dtype if dtype != torch.float32 else torch.bfloat16
    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.autocast("cpu", dtype=half, enabled=dtype != torch.float32),
    ):
        output = model(inputs_embeds=embedded, attention_mask=mask, use_cache=False).logits
    assert output.requires_grad
    return sum(held.values())


CASES: Mapping[str, tuple[Mapping[str, Any], Setup, Workload]] = {
    "Llama, bfloat16": ({"model_type": "llama", **COMMON}, SETUP, WORK),
    "Llama, float32": ({"model_type": "llama", **COMMON}, replace(SETUP, dtype="float32"), WORK),
    "Llama, NF4": ({"model_type": "llama", **COMMON}, replace(SETUP, method="qlora"), WORK),
    "Llama, plain attention": ({"model_type": "llama", **COMMON}, SETUP, replace(WORK, eager=True)),
    "Llama, padded": ({"model_type": "llama", **COMMON}, SETUP, replace(WORK, padded=True)),
    "Llama, no dropout": ({"model_type": "llama", **COMMON}, SETUP, replace(WORK, dropout=0.0)),
    "Llama, float32, no dropout": (
        {"model_type": "llama", **COMMON}, replace(SETUP, dtype="float32"), replace(WORK, dropout=0.0),
    ),
    "Llama, much dropout": ({"model_type": "llama", **COMMON}, SETUP, replace(WORK, dropout=0.5)),
    "Llama, q and v": ({"model_type": "llama", **COMMON}, replace(SETUP, targets=("q_proj", "v_proj")), WORK),
    "Qwen3": ({"model_type": "qwen3", **COMMON}, SETUP, WORK),
    "Qwen2": ({"model_type": "qwen2", **{k: v for k, v in COMMON.items() if k != "head_dim"}}, SETUP, WORK),
    "Gemma 3": ({"model_type": "gemma3_text", **COMMON}, SETUP, WORK),
    "Phi-3": ({"model_type": "phi3", **{k: v for k, v in COMMON.items() if k != "head_dim"}}, SETUP, WORK),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_layer_keeps_what_the_formula_says(name: str, tmp_path: Path) -> None:
    values, setup, work = CASES[name]
    one, three = (really_saved(values, setup, work, layers, tmp_path / str(layers)) for layers in (1, 3))
    architecture = from_config({**values, "num_hidden_layers": 3}, name)
    ((layer, count),) = architecture.layers
    assert count == 3
    predicted = sum(saved_of_layer(layer, setup, work, architecture.adapted(setup.lora)))
    assert predicted == pytest.approx((three - one) / 2, rel=0.03)


PLAIN = {key: value for key, value in COMMON.items() if key != "head_dim"}
DELTA = {
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 32, "linear_value_head_dim": 32,
}  # fmt: skip
MAMBA = {"num_local_experts": 0, "shared_intermediate_size": 320, "mamba_n_heads": 8, "mamba_d_head": 32,
         "mamba_d_state": 16}  # fmt: skip
WITHOUT_A_FORMULA: Mapping[str, tuple[Mapping[str, Any], str | None, float]] = {
    "OLMo 2": ({"model_type": "olmo2", **PLAIN}, None, 0.03),
    "Granite": ({"model_type": "granite", **PLAIN}, None, 0.03),
    "GLM 4": ({"model_type": "glm4", **COMMON}, None, 0.03),
    "Command R7B": ({"model_type": "cohere2", **PLAIN}, "full_attention", 0.13),
    "StarCoder 2": ({"model_type": "starcoder2", **PLAIN}, None, 0.03),
    "Apertus": ({"model_type": "apertus", **COMMON}, None, 0.05),
    "Qwen 3.5, gated delta rule": ({"model_type": "qwen3_5_text", **COMMON, **DELTA}, "linear_attention", 0.03),
    "Granite 4, Mamba 2": ({"model_type": "granitemoehybrid", **PLAIN, **MAMBA}, "mamba", 0.03),
    "LFM 2, convolution": (
        {"model_type": "lfm2", **PLAIN, "block_auto_adjust_ff_dim": False}, "conv", 0.05,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_A_FORMULA)
def test_a_layer_that_has_no_formula_keeps_about_what_is_said(name: str, tmp_path: Path) -> None:
    values, kind, within = WITHOUT_A_FORMULA[name]
    work = replace(WORK, batch=1, sequence=256)

    def of(layers: int) -> dict[str, Any]:
        kinds = {"layer_types": [kind] * layers} if kind else {}
        return {**values, **kinds, "num_hidden_layers": layers}

    one, three = (really_saved(of(layers), SETUP, work, layers, tmp_path) for layers in (1, 3))
    architecture = from_config(of(3), name)
    ((layer, _),) = architecture.layers
    predicted = sum(saved_of_layer(layer, SETUP, work, architecture.adapted(SETUP.lora)))
    assert predicted == pytest.approx((three - one) / 2, rel=within)


STATES = {"vocab_size": 256, "hidden_size": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SCANS: Mapping[str, tuple[Mapping[str, Any], str | None, int, str, float]] = {
    "Mamba": (
        {"model_type": "mamba", **STATES, "intermediate_size": 128, "time_step_rank": 8}, None, 30, "bfloat16", 0.02,
    ),
    "Mamba, float32": (
        {"model_type": "mamba", **STATES, "intermediate_size": 128, "time_step_rank": 8}, None, 100, "float32", 0.02,
    ),
    "Mamba 2, two chunks, float32": (
        {"model_type": "mamba2", **STATES, "num_heads": 8, "head_dim": 16, "state_size": 16, "n_groups": 1,
         "chunk_size": 64},
        None, 100, "float32", 0.02,
    ),
    "Granite 4, less than a chunk": (
        {"model_type": "granitemoehybrid", **PLAIN, **MAMBA}, "mamba", 30, "bfloat16", 0.02,
    ),
    "Granite 4, more than a chunk": (
        {"model_type": "granitemoehybrid", **PLAIN, **MAMBA}, "mamba", 300, "bfloat16", 0.02,
    ),
    "Falcon H1, beside attention": (
        {"model_type": "falcon_h1", **PLAIN, "mamba_d_ssm": 128, "mamba_n_heads": 4, "mamba_d_head": 32,
         "mamba_d_state": 16, "mamba_chunk_size": 128},
        None, 100, "bfloat16", 0.05,
    ),
    "Qwen 3.5, less than a chunk": (
        {"model_type": "qwen3_5_text", **COMMON, **DELTA}, "linear_attention", 30, "bfloat16", 0.06,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCANS)
def test_a_scan_fills_a_sequence_up_to_whole_chunks_and_keeps_what_the_formula_says(name: str, tmp_path: Path) -> None:
    values, kind, sequence, dtype, within = SCANS[name]
    work, setup = replace(WORK, batch=1, sequence=sequence), replace(SETUP, dtype=dtype)

    def of(layers: int) -> dict[str, Any]:
        kinds = {"layer_types": [kind] * layers} if kind else {}
        return {**values, **kinds, "num_hidden_layers": layers}

    one, three = (really_saved(of(layers), setup, work, layers, tmp_path) for layers in (1, 3))
    architecture = from_config(of(3), name)
    ((layer, _),) = architecture.layers
    assert layer.scan is not None
    predicted = sum(saved_of_layer(layer, setup, work, architecture.adapted(setup.lora)))
    assert predicted == pytest.approx((three - one) / 2, rel=within)
