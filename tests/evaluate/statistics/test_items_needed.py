"""How many more items."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import zt_ind_solve_power

from assay.evaluate.statistics.items_needed import more_items, with_unseen_changes
from assay.evaluate.statistics.paired_tests import mcnemar_mid_p
from assay.evaluate.suites.size import items_to_prove


def test_agrees_with_statsmodels() -> None:
    """Difference of half a standard deviation from its bound: one-sample z test, one-sided, power 0.8."""
    total = zt_ind_solve_power(effect_size=0.1, alpha=0.05, power=0.8, ratio=0, alternative="larger")
    assert more_items(100, 1.0 / 100, 0.1, 0.05) == pytest.approx(total - 100, abs=1.5)


@pytest.mark.parametrize("n", [1, 50, 300])
@pytest.mark.parametrize(("variance_of_one", "distance"), [(0.08, 0.02), (0.25, 0.1), (0.3, 0.005), (1.0, 0.9)])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 7])
def test_it_is_the_first_number_that_a_search_finds(
    n: int, variance_of_one: float, distance: float, alpha: float
) -> None:
    """Every number of items up to 200,000, by the power of the one-sided z test from scipy's normal distribution."""
    items = np.arange(n + 1, 200_000)
    power = stats.norm.sf(stats.norm.isf(alpha) - distance / np.sqrt(variance_of_one / items))
    assert more_items(n, variance_of_one / n, distance, alpha) == items[power >= 0.8][0] - n


@pytest.mark.parametrize(("difference", "changed"), [(0.1, 0.25), (0.05, 0.1), (0.2, 0.3)])
def test_that_many_items_have_the_power_by_the_exact_distribution_of_gains_and_losses(
    difference: float, changed: float
) -> None:
    """Summed over every table of gains and losses that the mid-p test may meet; the normal formula is near enough."""
    items = items_to_prove(difference, 0.05, changed)
    assert items is not None
    up = (changed + difference) / 2 / changed
    power = 0.0
    for discordant, chance in enumerate(stats.binom.pmf(range(items + 1), items, changed)):
        if chance > 1e-9:
            gains = np.arange(discordant + 1)
            proved = np.array([mcnemar_mid_p(int(g), discordant - int(g)) < 0.05 for g in gains])
            power += chance * stats.binom.pmf(gains, discordant, up)[proved].sum()
    assert power == pytest.approx(0.8, abs=0.04)


def test_that_many_items_decide_in_about_four_of_five_cases() -> None:
    needed = more_items(500, 0.08 / 500, 0.02, 0.05)
    assert needed is not None
    means = np.random.default_rng(0).choice([-1, 0, 1], p=[0.04, 0.92, 0.04], size=(1000, 500 + needed)).mean(1)
    z = (means + 0.02) / np.sqrt(0.08 / (500 + needed))
    assert (z > 1.645).mean() == pytest.approx(0.8, abs=0.04)


def test_a_difference_right_at_its_bound_is_never_decided() -> None:
    assert more_items(500, 0.001, 0.0, 0.05) is None
    assert more_items(500, 0.001, 1e-7, 0.05) is None


def test_an_open_proof_needs_at_least_one_more_item() -> None:
    assert more_items(500, 0.0, 0.5, 0.05) == 1


def test_that_nothing_changed_among_a_few_items_does_not_mean_that_one_more_is_enough() -> None:
    """Forty items without a change: Tango's test excludes a loss of two points from 133 on, if none ever changes."""
    needed = more_items(40, with_unseen_changes(40, 0.0), 0.02, 0.05)
    assert needed is not None and 40 + needed > 133


def test_unseen_changes_are_half_a_gain_and_half_a_loss_more() -> None:
    values, weights = np.array([-1.0, 0.0, 1.0]), np.array([3.5, 90.0, 7.5])
    expected = float((weights * (values - 0.04) ** 2).sum() / 101 / 100)
    seen = float(np.average((values - 0.04) ** 2, weights=[3, 90, 7])) / 100
    assert with_unseen_changes(100, seen) == pytest.approx(expected, rel=0.01)
    assert with_unseen_changes(5000, 0.08 / 5000) == pytest.approx(0.08 / 5000, rel=0.01)
