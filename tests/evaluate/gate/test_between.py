"""Two adapters held against each other, whatever the base says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.between import judge_between
from assay.evaluate.gate.policy import Policy
from assay.findings import Verdict

Make = Callable[..., Evaluation]


def judged(synthetic: Make, suite: Any, n: int, without: float, gain: float) -> Any:
    """previous is `without` better than the base, the candidate `gain` better than the base."""
    own = suite("support", n=n, p_base=0.3, gain=gain, previous_gain=without, p_damaged=0.02, chance=None, kind="suite")
    [found] = judge_between(synthetic(own), Policy())
    return found


@pytest.mark.parametrize(
    ("without", "gain", "verdict"),
    [(0.1, 0.4, Verdict.PASS), (0.4, 0.1, Verdict.BLOCK), (0.3, 0.3, Verdict.INCONCLUSIVE)],
)
def test_the_candidate_is_held_against_the_other_adapter_and_not_the_base(
    synthetic: Make, suite: Any, without: float, gain: float, verdict: Verdict
) -> None:
    found = judged(synthetic, suite, 600, without, gain)
    assert found.verdict is verdict, found.reason
    assert found.n == 600 and found.previous is None
    assert found.difference == pytest.approx(found.candidate - found.base)
    assert found.ci[0] <= found.difference <= found.ci[1]
    assert found.base == pytest.approx(0.3 + without, abs=0.08)


def test_what_is_not_decided_says_how_many_items_it_would_take(synthetic: Make, suite: Any) -> None:
    found = judged(synthetic, suite, 80, 0.2, 0.24)
    assert found.verdict is Verdict.INCONCLUSIVE and found.items_needed is not None and found.items_needed > 0


def test_an_adapter_that_adds_nothing_is_not_asked_for(synthetic: Make, suite: Any) -> None:
    found = judged(synthetic, suite, 600, 0.1, 0.4)
    [zero] = [check for check in found.sensitivity.checks if check.name == "zero_changes_nothing"]
    assert found.sensitivity.valid and zero.ok is None
