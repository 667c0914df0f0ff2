"""Batched answers are those that transformers generates one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from assay.errors import ModelError
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.generation import Prompt, Stopping, StopText, generate


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def model(request: pytest.FixtureRequest, tiny_model: Path) -> CausalModel:
    loaded: Any = AutoModelForCausalLM.from_pretrained(tiny_model, attn_implementation=request.param)
    return CausalModel(loaded.eval())


@pytest.fixture(scope="module")
def decode(target: Any) -> Any:
    return lambda ids: target.tokenizer.decode(list(ids), skip_special_tokens=True)


def one_by_one(model: CausalModel, prompts: Sequence[Prompt], stops: Sequence[int]) -> list[tuple[int, ...]]:
    """Greedy `generate` of transformers; the stop token is left out."""
    answers = []
    for prompt in prompts:
        out = model.model.generate(
            torch.tensor([prompt.ids]),
            attention_mask=torch.ones(1, len(prompt.ids), dtype=torch.long),
            max_new_tokens=prompt.max_new_tokens,
            do_sample=False,
            eos_token_id=list(stops) or None,
            pad_token_id=3,
        )[0].tolist()[len(prompt.ids) :]
        answers.append(tuple(out[:-1] if out[-1] in stops else out))
    return answers


def random_prompts(seed: int, n: int, shared: int = 0) -> list[Prompt]:
    rng = np.random.default_rng(seed)
    prefix = tuple(int(token) for token in rng.integers(4, 400, size=shared))
    return [
        Prompt(prefix + tuple(int(t) for t in rng.integers(4, 400, size=rng.integers(1, 40))), int(rng.integers(1, 16)))
        for _ in range(n)
    ]


@pytest.mark.parametrize("batch_tokens", [60, 4096])
@pytest.mark.parametrize("shared", [0, 28])
def test_answers_are_those_of_greedy_generate(model: CausalModel, decode: Any, batch_tokens: int, shared: int) -> None:
    prompts = random_prompts(shared, 24, shared)
    free = one_by_one(model, prompts, [])
    stops = sorted({ids[len(ids) // 2] for ids in free[:6]})  # tokens that this model does write
    expected = one_by_one(model, prompts, stops)
    assert any(len(a) < len(b) for a, b in zip(expected, free, strict=True))
    found = generate(model, prompts, Stopping(frozenset(stops), 3, decode), batch_tokens=batch_tokens)
    assert [answer.ids for answer in found] == expected
    assert [answer.text for answer in found] == [decode(ids) for ids in expected]


def test_an_answer_ends_at_a_stop_text_which_is_left_out(model: CausalModel, decode: Any) -> None:
    prompts = [Prompt(prompt.ids, 16) for prompt in random_prompts(3, 8)]
    free = [decode(ids) for ids in one_by_one(model, prompts, [])]
    stop = max(free, key=len)[4:6]
    found = generate(model, prompts, Stopping(frozenset(), 3, decode, (StopText(stop, 16),), decode), batch_tokens=4096)
    assert [answer.text for answer in found] == [text.partition(stop)[0] for text in free]
    assert [answer.ended for answer in found] == [stop in text for text in free]
    assert any(len(answer.ids) < 16 for answer in found)


def test_an_answer_of_full_length_is_marked_as_cut_off(model: CausalModel, decode: Any) -> None:
    (answer,) = generate(model, [Prompt((5, 6, 7), 3)], Stopping(frozenset(), 3, decode), batch_tokens=64)
    assert len(answer.ids) == 3 and not answer.ended


def test_the_batches_depend_on_the_prompts_alone(model: CausalModel, decode: Any) -> None:
    """An answer is the same in whatever order its prompt comes, and done is told of every prompt once."""
    prompts = random_prompts(4, 20)
    stopping = Stopping(frozenset(), 3, decode)
    told: list[int] = []
    found = generate(model, prompts, stopping, batch_tokens=200, done=told.append)
    turned = generate(model, prompts[::-1], stopping, batch_tokens=200)
    assert found == turned[::-1]
    assert sum(told) == 20 and len(told) > 1


def test_nothing_asked_is_nothing_answered(model: CausalModel, decode: Any) -> None:
    assert generate(model, [], Stopping(frozenset(), 3, decode), batch_tokens=64) == []


def test_a_model_that_gives_nan_is_an_error_and_no_answer(tiny_model: Path, decode: Any) -> None:
    broken: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        broken.model.norm.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="NaN"):
        generate(CausalModel(broken.eval()), [Prompt((5, 6), 2)], Stopping(frozenset(), 3, decode), batch_tokens=64)
