"""What knowing nothing scores is known, or said to be taken as 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.pairs import PairedSuite, pair
from assay.evaluate.sensitivity.chance import chance_of

Make = Callable[..., Evaluation]


@pytest.fixture
def paired(synthetic: Make, suite: Any) -> Callable[..., PairedSuite]:
    """paired(references, chance) is a suite of as many items."""

    def make(references: list[str | None], chance: float | None = None) -> PairedSuite:
        (found,) = pair(synthetic(suite("s", n=len(references), chance=chance))).values()
        return replace(found, references=tuple(references))

    return make


def test_the_commonest_label_is_what_always_saying_it_scores(paired: Callable[..., Any], rescore: Any) -> None:
    found = chance_of(paired(["yes"] * 60 + ["no"] * 40), rescore)
    assert found.share == 0.6 and (str(found), found.quote) == ("60.0 %, by always giving the commonest answer", "yes")


def test_partial_credit_counts_and_where_nothing_is_scored_again_its_share_does(paired: Callable[..., Any]) -> None:
    labels = ["yes"] * 60 + ["no"] * 40
    assert chance_of(paired(labels), lambda result, outputs, *_: [0.5] * len(outputs)).share == 0.5
    assert chance_of(paired(labels), lambda *_: None).share == 0.6


def test_guessing_among_options_is_better_than_a_label_that_is_rare(paired: Callable[..., Any], rescore: Any) -> None:
    found = chance_of(paired([f"label {n % 20}" for n in range(100)], 0.25), rescore)
    assert found.share == 0.25 and "guessing among the options" in found.why
    assert chance_of(paired(["yes"] * 60 + ["no"] * 40, 0.5), rescore).share == 0.6


@pytest.mark.parametrize("references", [[f"text {n}" for n in range(30)], [None] * 30])
def test_free_text_has_none_and_that_is_said(paired: Callable[..., Any], rescore: Any, references: list[Any]) -> None:
    assert str(chance_of(paired(references), rescore)) == "0.0 %, since no two items expect the same"
