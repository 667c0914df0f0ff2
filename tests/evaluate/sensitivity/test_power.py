"""The smallest loss that would show, from what was seen; and what the smaller damage lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.comparison import differences_of, estimate_each
from assay.evaluate.gate.pairs import Answers, PairedSuite, pair
from assay.evaluate.sensitivity.power import power_of
from assay.evaluate.suites.size import detectable_difference

Make = Callable[..., Evaluation]


def paired(evaluation: Evaluation) -> PairedSuite:
    (found,) = pair(evaluation).values()
    return found


def with_slight_damage(suite: PairedSuite, items: int, lost: int) -> PairedSuite:
    """The first items are asked; so many that the candidate has right are wrong."""
    scores = np.where(np.arange(suite.n) < items, suite.candidate.scores, np.nan)
    scores[np.flatnonzero(scores == 1.0)[:lost]] = 0.0
    answers = Answers(scores, suite.candidate.outputs)
    return replace(suite, answers={**suite.answers, "slightly_damaged": answers})


def test_it_follows_from_items_and_discordance(synthetic: Make, suite: Any) -> None:
    found = power_of(paired(synthetic(suite("s", n=500, discordance=0.1))), 0.05)
    assert found.items == 500 and found.design_effect == 1.0 and found.slight is None
    assert found.changed == pytest.approx(0.1, abs=0.03)
    assert found.detectable == detectable_difference(500, 0.05, found.changed)


@pytest.mark.parametrize(("items", "changed"), [(150, 0.2), (500, 0.08), (1000, 0.03)])
def test_a_loss_of_that_size_is_shown_by_the_gates_test_in_four_of_five_suites(items: int, changed: float) -> None:
    """By simulation: 800 suites whose true loss is the smallest that is said to show."""
    loss = detectable_difference(items, 0.05, changed)
    assert loss is not None
    drawn = np.random.default_rng(0).choice(
        [-1.0, 0.0, 1.0], size=(800, items), p=[(changed + loss) / 2, 1 - changed, (changed - loss) / 2]
    )
    found = estimate_each([differences_of(suite, [None] * items) for suite in drawn], 0.0)
    assert np.mean([one.p_loss < 0.05 for one in found]) == pytest.approx(0.8, abs=0.05)


def test_items_set_a_floor_where_nothing_changed(synthetic: Make, suite: Any) -> None:
    found = power_of(paired(synthetic(suite("s", n=500, fixed=True))), 0.05)
    assert found.changed == 0 and found.detectable is not None and 0.01 < found.detectable < 0.015


def test_clusters_make_the_smallest_loss_larger(synthetic: Make, suite: Any) -> None:
    alone, tied = (power_of(paired(synthetic(suite("s", n=600, cluster_size=size))), 0.05) for size in (1, 10))
    assert tied.design_effect > 5
    assert tied.detectable is not None and alone.detectable is not None and tied.detectable > 1.5 * alone.detectable
    assert "clusters count" in tied.in_words() and "clusters" not in alone.in_words()


@pytest.mark.parametrize(("lost", "shown"), [(20, True), (1, False)])
def test_what_the_smaller_damage_lost_is_told_and_whether_it_showed(
    synthetic: Make, suite: Any, lost: int, shown: bool
) -> None:
    found = power_of(with_slight_damage(paired(synthetic(suite("s"))), 100, lost), 0.05)
    assert found.slight is not None and found.slight.items == 100 and found.slight.shown is shown
    assert found.slight.difference == pytest.approx(-lost / 100)
    assert found.in_words().endswith(": a loss is shown" if shown else ": no loss is shown")
    assert found.to_json()["slight_damage"]["shown"] is shown
