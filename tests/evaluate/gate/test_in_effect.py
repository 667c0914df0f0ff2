"""An adapter that was not in effect is told from one that changes little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.in_effect import FEWEST_LIKELIHOODS, FEWEST_TEXTS, not_in_effect
from assay.evaluate.gate.pairs import PairedSuite, pair

Make = Callable[..., Evaluation]


def same(synthetic: Make, suite: Any, n: int, logprob: float | None = None) -> PairedSuite:
    """A suite on which the candidate's answers are the base's."""
    (found,) = pair(synthetic(suite("s", n=n, fixed=True))).values()
    base = replace(found.base, logprobs=(logprob,) * n)
    return replace(found, answers={**found.answers, "base": base, "candidate": base})


@pytest.mark.parametrize(("n", "logprob"), [(FEWEST_TEXTS, None), (FEWEST_LIKELIHOODS, -1.25)])
def test_the_bases_answers_to_the_last_digit_are_not_the_candidates(
    synthetic: Make, suite: Any, n: int, logprob: float | None
) -> None:
    assert "the adapter was not in effect" in str(not_in_effect([same(synthetic, suite, n, logprob)]))
    assert not_in_effect([same(synthetic, suite, n - 1, logprob)]) is None


def test_one_likelihood_in_its_last_digit_is_enough(synthetic: Make, suite: Any) -> None:
    found = same(synthetic, suite, 200, -1.25)
    moved = replace(found.candidate, logprobs=(-1.2500000000000002, *found.candidate.logprobs[1:]))
    other = replace(found, answers={**found.answers, "candidate": moved})
    assert not_in_effect([found, other]) is None and not_in_effect([found]) is not None


def test_nothing_compared_says_nothing() -> None:
    assert not_in_effect([]) is None
