"""How the peak moves with what is set, and that its constants are the trainer's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assay.train.planning import activations, memory, workload
from assay.train.planning.memory import PARTS, moments, peak_memory, weight_bytes
from assay.train.planning.sharing import sharded
from assay.train.planning.stage import GPU, Subject
from assay.train.planning.workload import Lengths, Method, setup_of
from assay.train.recipe import Hardware, resolve
from assay.train.settings import TrainSettings

CPU = Hardware("cpu", computes_bf16=True)


def setup(lengths: Lengths, method: Method, hardware: Hardware = GPU, **settings: Any) -> workload.Setup:
    recipe = resolve(
        TrainSettings(load_in_4bit=method == "qlora", **settings),
        records=lengths.records, longest=lengths.longest, pad_token_id=0, hardware=hardware, validated=True,
    )  # fmt: skip
    return setup_of(recipe, lengths, method)


def test_constants_are_those_of_the_trainer_and_of_the_head() -> None:
    from trl.kernels import chunked_logprob
    from trl.trainer import utils

    from assay.train import dropout, trainer

    assert workload.EAGER_ATTENTION_UP_TO == trainer.EAGER_ATTENTION_UP_TO
    assert activations.SPARSE_DROPOUT == dropout.SPARSE
    assert memory.VOCABULARY_AT_ONCE == utils._CHUNKED_LOGPROB_CHUNK_SIZE
    assert memory.POSITIONS_AT_ONCE == chunked_logprob.TOKEN_CHUNK_SIZE


def test_nf4_takes_half_a_byte_and_its_scales(
    subject: Callable[[str], Subject], lengths: Callable[..., Lengths]
) -> None:
    """QLoRA, section 3: double quantisation takes the scales from 0.5 to 0.127 bits a weight."""
    architecture = subject("llama-2-7b").architecture
    packed, rest = architecture.four_bit_weights, architecture.parameters - architecture.four_bit_weights
    doubly = weight_bytes(architecture, setup(lengths(), "qlora"))
    once = weight_bytes(architecture, setup(lengths(), "qlora", bnb_4bit_use_double_quant=False))
    assert 8 * (doubly - 2 * rest) / packed == pytest.approx(4.127, abs=0.001)
    assert 8 * (once - 2 * rest) / packed == pytest.approx(4.5, abs=0.001)


def test_the_parts_add_up_to_the_peak(subject: Callable[[str], Subject], lengths: Callable[..., Lengths]) -> None:
    found = peak_memory(subject("qwen3-8b").architecture, setup(lengths(), "lora"))
    assert sum(getattr(found, part) for part in PARTS) == found.peak
    assert found.peak == max(one.peak for one in moments(subject("qwen3-8b").architecture, setup(lengths(), "lora")))


@pytest.mark.parametrize(
    "smaller",
    [
        {"per_device_train_batch_size": 1},
        {"lora_r": 4},
        {"lora_target_modules": ("q_proj", "v_proj")},
        {"lora_dropout": 0.0},
        {"gradient_checkpointing": True},
        {"use_liger_kernel": True},
    ],
)
@pytest.mark.parametrize("hardware", [CPU, GPU])
def test_what_is_said_to_save_memory_of_a_step_does(
    smaller: dict[str, Any],
    hardware: Hardware,
    subject: Callable[[str], Subject],
    lengths: Callable[..., Lengths],
) -> None:
    architecture = subject("llama-3.2-1b").architecture
    usual = {"gradient_checkpointing": False, "per_device_train_batch_size": 4}
    step = [
        moments(architecture, setup(lengths(), "lora", hardware, **{**usual, **changed}))[1].peak
        for changed in ({}, smaller)
    ]
    assert step[1] < step[0]


def test_with_liger_the_logits_and_the_check_before_the_first_step_take_what_they_took(
    subject: Callable[[str], Subject], lengths: Callable[..., Lengths]
) -> None:
    """TRL's head projects with and without it, and the check goes through transformers' layers as well."""
    architecture = subject("llama-3.1-8b").architecture
    plain, ours = (moments(architecture, setup(lengths(), "lora", use_liger_kernel=liger)) for liger in (False, True))
    for before, after in zip(plain, ours, strict=True):
        assert after.logits == before.logits
        assert (after.activations < before.activations) == (after.moment == "step")


def test_full_fine_tuning_takes_sixteen_bytes_a_parameter_beside_activations(
    subject: Callable[[str], Subject], lengths: Callable[..., Lengths]
) -> None:
    """Weights and gradients in 16 bits, master weights and two moments in float32 (ZeRO, section 3.1)."""
    architecture = subject("llama-2-7b").architecture
    found = peak_memory(architecture, setup(lengths(), "full"))
    assert (found.weights + found.gradients + found.optimiser) / architecture.parameters == 16


def test_sharing_divides_what_is_sharded_and_leaves_the_activations(
    subject: Callable[[str], Subject], lengths: Callable[..., Lengths]
) -> None:
    architecture = subject("llama-3.1-70b").architecture
    alone, four = (sharded(architecture, setup(lengths(), "lora"), cards) for cards in (1, 4))
    assert four.activations == alone.activations and four.optimiser == round(alone.optimiser / 4)
    assert alone.weights / 4 < four.weights < alone.weights / 2


def test_weights_that_are_converted_while_loading_can_be_the_peak(
    subject: Callable[[str], Subject], lengths: Callable[..., Lengths]
) -> None:
    """On a CPU the file's pages count beside what is made of them."""
    architecture = subject("llama-3.2-1b").architecture
    few = replace(lengths(), records=1, tokens=32, longest=32, checked=(1, 32))
    found = peak_memory(architecture, setup(few, "lora", CPU, dtype="float32"))
    assert found.moment == "loading" and found.weights == 6 * architecture.parameters
