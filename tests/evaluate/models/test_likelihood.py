"""Packed and batched likelihoods are those of one sequence at a time."""

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
from assay.evaluate.models.likelihood import Likelihood, Request, batches, build_rows, groups, likelihoods, merge

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


def test_options_of_one_context_share_a_row() -> None:
    requests = [Request((1, 2, 3), (4, 5)), Request((1, 2, 3), (6,)), Request((1, 2), (4,))]
    rows = build_rows(requests, max_length=64, longest_packed=None, batch_tokens=64)
    assert [row.ids for row in rows] == [(1, 2, 3, 4), (1, 2)]
    assert rows[0].segments == (0, 0, 0, 1) and [read.request for read in rows[0].reads] == [0, 0, 1]
    apart = build_rows(requests, max_length=64, longest_packed=0, batch_tokens=64)
    assert [len({read.request for read in row.reads}) for row in apart] == [1, 1, 1]


def test_items_that_share_a_beginning_share_rows_behind_it() -> None:
    beginning = tuple(range(100, 130))
    requests = [Request((*beginning, 1, n), (option, 7)) for n in range(40) for option in (3, 4)]
    rows = build_rows(requests, max_length=64, longest_packed=None, batch_tokens=4096)
    merged = merge(rows, len(beginning))
    assert len(merged) < len(rows) / 8
    assert sorted({read.request for row in merged for read in row.reads}) == list(range(80))
    for row in merged:
        assert row.packed and row.ids[:30] == beginning and len(row.ids) - 30 <= 256
        assert len(row.ids) == len(row.contexts) == len(row.positions)
        for read in row.reads:
            assert row.positions[read.column] == (32 if read.token == 7 else 31)
            assert row.contexts[read.column] == row.contexts[read.column - 1], "its item's context lies before it"


def test_each_beginning_is_shared_by_the_items_that_have_it(model: CausalModel) -> None:
    rng = np.random.default_rng(9)
    beginnings = [tuple(range(start, start + 28)) for start in (100, 200)]
    requests = [one for beginning in beginnings for one in multiple_choice(rng, 8, beginning)]
    requests += multiple_choice(rng, 5)
    rows = build_rows(requests, max_length=MAX_LENGTH, longest_packed=None, batch_tokens=4096)
    found = groups(rows, None)
    assert [shared >= 28 for shared, _ in found] == [True, True, False]
    assert sorted(row.ids for _, group in found for row in group) == sorted(row.ids for row in rows)
    assert [shared for shared, _ in groups(rows, 8)] == [0], "rows longer than a window that must not be passed"
    assert_same(likelihoods(model, requests, batch_tokens=300, max_length=MAX_LENGTH), one_by_one(model, requests))


def test_batches_hold_at_most_the_tokens_they_may_padding_included() -> None:
    rng = np.random.default_rng(2)
    rows = build_rows(multiple_choice(rng, 60), max_length=64, longest_packed=None, batch_tokens=200)
    rows.sort(key=lambda row: -len(row.ids))
    made = list(batches(rows, 200, most_reads=1000))
    assert [row for batch in made for row in batch] == rows
    assert all(len(batch) == 1 or len(batch) * max(len(row.ids) for row in batch) <= 200 for batch in made)
    assert len(made) < len(rows)
    reads = [sum(len({read.column for read in row.reads}) for row in batch) for batch in batches(rows, 4096, 20)]
    assert max(reads) <= 20 or len(reads) == len(rows)


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
