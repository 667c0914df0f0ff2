"""Scores on a GPU: the same code, with everything where it belongs, gives the numbers of the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.generation import Prompt, Stopping, generate
from assay.evaluate.models.likelihood import Request, likelihoods
from assay.evaluate.models.switched_model import Precision, load_switched
from tests.pretended_gpu import pretended, pretended_apple

DEVICES = ("cuda:0", "mps:0")
BEGINNING = tuple(range(3, 33))
REQUESTS = [
    *(Request((*BEGINNING, 40 + number), (60 + option, 70)) for number in range(3) for option in range(3)),
    Request((5, 6, 7), (8,)),
    Request((9,), (10, 11, 12)),
]
"""A beginning that is cached, options that branch, and requests that share nothing."""

PROMPTS = [Prompt((*BEGINNING, 40 + number), 3 + number) for number in range(5)] + [Prompt((7, 8), 4)]
STOPPING = Stopping(frozenset({2}), 0, lambda ids: " ".join(map(str, ids)))


def model_of(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_log_likelihoods_are_those_of_the_processor(tiny_model: Path, device: str, attention: str) -> None:
    model = model_of(tiny_model)
    model.set_attn_implementation(attention)
    expected = likelihoods(CausalModel(model), REQUESTS, batch_tokens=512, max_length=256)
    with pretended():
        placed = CausalModel(model.to(device))
        assert str(placed.device) == device
        found = likelihoods(placed, REQUESTS, batch_tokens=512, max_length=256)
    for one, other in zip(found, expected, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-4)
        assert one.greedy == other.greedy


@pytest.mark.parametrize("device", DEVICES)
def test_greedy_answers_are_those_of_the_processor(tiny_model: Path, device: str) -> None:
    model = model_of(tiny_model)
    expected = generate(CausalModel(model), PROMPTS, STOPPING, batch_tokens=256)
    with pretended():
        found = generate(CausalModel(model.to(device)), PROMPTS, STOPPING, batch_tokens=256)
    assert found == expected


def test_half_precision_is_read_without_numpys_bfloat16(tiny_model: Path) -> None:
    model = model_of(tiny_model, torch.bfloat16)
    with pretended():
        found = likelihoods(CausalModel(model.to("cuda:0")), REQUESTS, batch_tokens=512, max_length=256)
    assert all(one.logprob < 0 for one in found)


def test_float16_that_overflows_names_the_precision(tiny_model: Path) -> None:
    from assay.errors import ModelError

    model = model_of(tiny_model, torch.float16)
    with torch.no_grad():
        model.model.embed_tokens.weight.fill_(6e4)
    with pytest.raises(ModelError, match=r"NaN or infinite logits; float16 ends at 65,504.*evaluate.dtype=float32"):
        likelihoods(CausalModel(model), REQUESTS, batch_tokens=512, max_length=256)
    with pytest.raises(ModelError, match="float16 ends at 65,504"):
        generate(CausalModel(model), PROMPTS, STOPPING, batch_tokens=256)


@pytest.mark.parametrize("device", ["cuda:0", "mps"])
def test_every_arm_answers_on_the_gpu_as_on_the_processor(target: Any, tiny_adapter: Path, device: str) -> None:
    """The adapter, its damaged copies and the one that adds nothing, each proved to be there."""

    def of_each_arm() -> dict[str, list[float]]:
        switched = load_switched(
            target.ref, target, {"candidate": tiny_adapter}, Precision(False, "nf4", True, "float32"),
            damage_seed=0, with_slight_damage=True, with_zero=True,
        )  # fmt: skip
        found = {}
        for arm in ("base", *sorted(switched.adapters)):
            with switched.switched_to(arm):
                likely = likelihoods(CausalModel(switched.model), REQUESTS[:3], batch_tokens=512, max_length=256)
            found[arm] = [one.logprob for one in likely]
        assert switched.device == on
        return found

    on = "cpu"
    expected = of_each_arm()
    with pretended() if device == "cuda:0" else pretended_apple():
        on = device if device == "cuda:0" else "mps:0"
        found = of_each_arm()
    assert found.keys() == expected.keys() == {"base", "candidate", "damaged", "slightly_damaged", "zero"}
    for arm, logprobs in found.items():
        assert logprobs == pytest.approx(expected[arm], abs=1e-3), arm


@pytest.mark.parametrize("device", DEVICES)
def test_what_is_held_against_a_merge_is_read_on_the_gpu(tiny_model: Path, device: str) -> None:
    from assay.train.parity.artefact import Passage
    from assay.train.parity.held import InMemory

    passages = [Passage((*BEGINNING, 40, 41), (30, 31)), Passage((5, 6, 7, 8), (2, 3))]
    memory = InMemory(model_of(tiny_model))
    expected = memory.token_scores(passages)
    with pretended():
        placed = InMemory(memory.model.to(device))
        for one, other in zip(placed.token_scores(passages), expected, strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
            assert one.likeliest.tolist() == other.likeliest.tolist()


def test_answers_are_scored_on_the_gpu(tiny_model: Path) -> None:
    from assay.curate.scores.likelihood import _batch_losses, _Text

    texts = [_Text(0, (3, 4, 5, 6), (False, False, True, True)), _Text(1, (7, 8, 9), (False, True, True))]
    model = model_of(tiny_model)
    with torch.inference_mode():
        expected = _batch_losses(texts, model)
    with pretended(), torch.inference_mode():
        assert _batch_losses(texts, model.to("cuda:0")) == pytest.approx(expected, abs=1e-4)
