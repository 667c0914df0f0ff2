"""A model as it ships against the one that was gated: not worse by more than the margin, or it is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.evaluate.gate.shipped import Shipped, compare_shipped
from assay.findings import Verdict
from assay.suites import Suite, read_suite

WORDS = ("yes", "no", "maybe")


@dataclass(frozen=True)
class Rule:
    """Right on a share of the items, by their order; wrong with the next word."""

    target: Any
    share: float
    seen: dict[tuple[int, ...], int]

    def word(self, prompt: Sequence[int]) -> str:
        number = self.seen.setdefault(tuple(prompt), len(self.seen))
        right = (number * 7919) % 1000 < 1000 * self.share
        return WORDS[(number if right else number + 1) % 3]

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        tokenizer = self.target.tokenizer
        return [tuple(tokenizer.encode(self.word(prompt), add_special_tokens=False)) for prompt in prompts]

    def scores(self, ids: Sequence[int], answer: Sequence[int]) -> tuple[list[float], list[int]]:
        option = self.target.tokenizer.decode(list(ids)[answer[0] :])
        total = -0.1 if option == self.word(ids[: answer[0]]) else -3.0
        return [total / len(answer)] * len(answer), [ids[place] for place in answer]


@pytest.fixture
def compare(make_suite: Callable[..., Path], target: Any) -> Callable[..., Shipped]:
    def run(items: int, gated: float, shipped: float, **header: Any) -> Shipped:
        rows = [{"id": f"i{n}", "prompt": f"is {n} so", "reference": WORDS[n % 3]} for n in range(items)]
        if header:
            rows = [row | {"choices": list(WORDS)} for row in rows]
        suite: Suite = read_suite(make_suite("even", rows, **header))
        return compare_shipped([suite], target, Rule(target, gated, {}), Rule(target, shipped, {}), margin=0.02)

    return run


@pytest.mark.parametrize("header", [{}, {"scorer": "multiple_choice"}], ids=["generated", "chosen"])
def test_the_same_answers_pass(header: dict[str, Any], compare: Callable[..., Shipped]) -> None:
    found = compare(300, 0.7, 0.7, **header)
    (suite,) = found.suites
    assert found.verdict is Verdict.PASS and found.p_value < 0.05
    assert (suite.n, suite.changed, suite.answers) == (300, 0, 0)
    assert suite.gated == suite.shipped == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("header", [{}, {"scorer": "multiple_choice"}], ids=["generated", "chosen"])
def test_a_loss_beyond_the_margin_blocks(header: dict[str, Any], compare: Callable[..., Shipped]) -> None:
    found = compare(300, 0.7, 0.55, **header)
    assert found.verdict is Verdict.BLOCK
    assert found.suites[0].changed == round(-300 * found.difference) > 30


def test_too_few_items_cannot_tell(compare: Callable[..., Shipped]) -> None:
    found = compare(30, 0.7, 0.7)
    assert found.verdict is Verdict.INCONCLUSIVE and found.items_needed


def test_a_suite_on_which_the_gated_model_fails_throughout_proves_nothing(compare: Callable[..., Shipped]) -> None:
    found = compare(300, 0.0, 0.0)
    assert found.verdict is Verdict.INVALID and found.suites[0].reason
