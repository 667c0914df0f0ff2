"""Packed and batched likelihoods are those of one sequence at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    FalconConfig,
    MptConfig,
    PreTrainedConfig,
)

from assay.errors import ModelError
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.likelihood import Likelihood, Request, likelihoods
from assay.evaluate.models.packing import Bounds, groups

MAX_LENGTH = 64


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def model(request: pytest.FixtureRequest, tiny_model: Path) -> CausalModel:
    loaded: Any = AutoModelForCausalLM.from_pretrained(tiny_model, attn_implementation=request.param)
    return CausalModel(loaded.eval())


def one_by_one(model: CausalModel, requests: Sequence[Request]) -> list[Likelihood]:
    """As lm-eval's hf backend computes them: the last tokens that the context holds, one row a pass."""
    found = []
    for context, continuation in requests:
        ids = (context + continuation)[-(MAX_LENGTH + 1) :]
        n = len(continuation)
        with torch.inference_mode():
            logits = model.model(input_ids=torch.tensor([ids[:-1]])).logits[0, -n:]
        logprobs = logits.log_softmax(-1)
        targets = torch.tensor(continuation)
        found.append(
            Likelihood(
                float(logprobs[torch.arange(n), targets].double().sum()), bool((logits.argmax(-1) == targets).all())
            )
        )
    return found


def random_ids(rng: np.random.Generator, low: int, high: int) -> tuple[int, ...]:
    return tuple(int(token) for token in rng.integers(4, 400, size=rng.integers(low, high)))


def multiple_choice(
    rng: np.random.Generator, items: int, prefix: tuple[int, ...] = (), longest: int = 30
) -> list[Request]:
    requests = []
    for _ in range(items):
        context = prefix + random_ids(rng, 1, longest)
        requests += [Request(context, random_ids(rng, 1, 6)) for _ in range(rng.integers(1, 5))]
    return requests


def assert_same(found: Sequence[Likelihood], expected: Sequence[Likelihood]) -> None:
    assert [f.greedy for f in found] == [e.greedy for e in expected]
    np.testing.assert_allclose([f.logprob for f in found], [e.logprob for e in expected], atol=2e-4)


@pytest.mark.parametrize("batch_tokens", [40, 300, 4096])
@pytest.mark.parametrize("shared", [0, 30])
def test_packed_options_are_as_likely_as_alone(model: CausalModel, batch_tokens: int, shared: int) -> None:
    rng = np.random.default_rng(batch_tokens + shared)
    requests = multiple_choice(rng, 25, random_ids(rng, shared, shared + 1) if shared else ())
    found = likelihoods(model, requests, batch_tokens=batch_tokens, max_length=MAX_LENGTH)
    assert_same(found, one_by_one(model, requests))


def test_a_context_that_is_too_long_loses_its_beginning(model: CausalModel) -> None:
    rng = np.random.default_rng(5)
    requests = multiple_choice(rng, 12, longest=120)
    assert any(len(request.context) > MAX_LENGTH for request in requests)
    found = likelihoods(model, requests, batch_tokens=200, max_length=MAX_LENGTH)
    assert_same(found, one_by_one(model, requests))


def test_the_likeliest_continuation_is_greedy(model: CausalModel) -> None:
    context = (7, 8, 9)
    with torch.inference_mode():
        best = int(model.model(input_ids=torch.tensor([context])).logits[0, -1].argmax())
    found = likelihoods(
        model, [Request(context, (best,)), Request(context, (best ^ 1,))], batch_tokens=64, max_length=MAX_LENGTH
    )
    assert [result.greedy for result in found] == [True, False]


def test_each_beginning_is_shared_by_the_items_that_have_it(model: CausalModel) -> None:
    rng = np.random.default_rng(9)
    beginnings = [random_ids(rng, 50, 51) for _ in range(2)]
    requests = [one for beginning in beginnings for one in multiple_choice(rng, 60, beginning, longest=12)]
    requests += multiple_choice(rng, 5)
    bounds = Bounds(300, model.most_reads, model.pace.pass_tokens)
    assert [len(group.beginning) >= 50 for group in groups(requests, MAX_LENGTH, bounds)] == [True, True, False]
    assert_same(likelihoods(model, requests, batch_tokens=300, max_length=MAX_LENGTH), one_by_one(model, requests))


def test_requests_that_begin_alike_are_as_likely_as_alone(model: CausalModel) -> None:
    """Minimal pairs, one request twice, one within another, and one that parts from another within an option."""
    rng = np.random.default_rng(11)
    trunk = random_ids(rng, 12, 13)
    requests = [
        Request(trunk[:start], trunk[start:stop] + end)
        for start in (1, 3, 8)
        for stop in (4, 9, 12)
        for end in ((), (7,), (7, 8), (9, 7))
        if stop > start
    ]
    requests += requests[:5]
    assert_same(likelihoods(model, requests, batch_tokens=4096, max_length=MAX_LENGTH), one_by_one(model, requests))


def test_of_equal_logits_the_first_is_the_likeliest(tiny_model: Path) -> None:
    tied: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        tied.get_output_embeddings().weight[50:] = tied.get_output_embeddings().weight[50]
        tied.get_output_embeddings().weight[:50] = 0
    with torch.inference_mode():
        highest = int(tied(input_ids=torch.tensor([[7, 8]])).logits[0, -1].argmax())
    requests = [Request((7, 8), (token,)) for token in (0, 1, 49, 50, 51, 399)]
    found = likelihoods(CausalModel(tied.eval()), requests, batch_tokens=64, max_length=MAX_LENGTH)
    assert highest in (0, 50)
    assert [result.greedy for result in found] == [request.continuation == (highest,) for request in requests]


def test_done_is_told_of_every_request_once(model: CausalModel) -> None:
    requests = multiple_choice(np.random.default_rng(3), 20)
    told: list[int] = []
    likelihoods(model, requests, batch_tokens=100, max_length=MAX_LENGTH, done=told.append)
    assert sum(told) == len(requests) and len(told) > 1


def test_nothing_asked_is_nothing_answered(model: CausalModel) -> None:
    assert likelihoods(model, [], batch_tokens=100, max_length=MAX_LENGTH) == []


def test_a_model_that_gives_nan_is_an_error_and_no_score(tiny_model: Path) -> None:
    broken: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        broken.model.norm.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="NaN"):
        likelihoods(CausalModel(broken.eval()), [Request((5,), (6,))], batch_tokens=64, max_length=MAX_LENGTH)


SIZES: dict[str, PreTrainedConfig] = {
    "bloom": BloomConfig(vocab_size=400, hidden_size=32, n_layer=2, n_head=4),
    "mpt": MptConfig(vocab_size=400, d_model=32, n_layers=2, n_heads=4, max_seq_len=256),
    "falcon with ALiBi": FalconConfig(
        vocab_size=400, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, alibi=True
    ),
    "falcon": FalconConfig(vocab_size=400, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, alibi=False),
}


@pytest.mark.parametrize("family", SIZES)
def test_where_a_token_stands_is_told_by_its_column_in_models_with_a_linear_bias(family: str) -> None:
    """ALiBi counts columns, whatever positions say: options side by side were scored as if one followed the other."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(SIZES[family])
    for parameter in model.parameters():
        parameter.data.mul_(3.0)
    alone = CausalModel(model.eval())
    rng = np.random.default_rng(0)
    requests = multiple_choice(rng, 8, random_ids(rng, 30, 31), longest=8)
    found = likelihoods(alone, requests, batch_tokens=4096, max_length=MAX_LENGTH)
    assert_same(found, one_by_one(alone, requests))
