"""The length-adjusted win rate against statsmodels, and what it says of judges that do and do not prefer length."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from assay.evaluate.judging.length import length_control, logistic


def simulated(n: int, *, merit: float, taste: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and differences in length, where the logit of a win is merit + taste * tanh(standardised length)."""
    rng = np.random.default_rng(seed)
    more = np.round(rng.normal(60, 120, n))
    p = 1 / (1 + np.exp(-(merit + taste * np.tanh(more / more.std()))))
    outcomes = (rng.random(n) < p).astype(float)
    return np.where(rng.random(n) < 0.2, 0.5, outcomes), more


def test_the_fit_is_that_of_statsmodels_with_its_robust_variance() -> None:
    outcomes, more = simulated(300, merit=0.4, taste=1.5)
    design = np.column_stack([np.ones(300), np.tanh(more / more.std())])
    found = logistic(design, outcomes, np.arange(300))
    assert found is not None
    reference = sm.GLM(outcomes, design, family=sm.families.Binomial()).fit(cov_type="HC0")
    assert found[0] == pytest.approx(reference.params, abs=1e-6)
    assert found[1] == pytest.approx(reference.cov_params() * 300 / 299, rel=1e-5)
    control = length_control(outcomes, more)
    assert control is not None and control.adjusted == pytest.approx(1 / (1 + math.exp(-reference.params[0])), abs=1e-6)


def test_clusters_give_the_variance_of_statsmodels_clusters() -> None:
    outcomes, more = simulated(200, merit=0.2, taste=0.8)
    codes = np.arange(200) // 4
    design = np.column_stack([np.ones(200), np.tanh(more / more.std())])
    found = logistic(design, outcomes, codes)
    reference = sm.GLM(outcomes, design, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False}
    )
    assert found is not None and found[1] == pytest.approx(reference.cov_params() * 50 / 49, rel=1e-5)


def test_a_judge_of_length_alone_leaves_nothing_at_equal_length() -> None:
    outcomes, more = simulated(600, merit=0.0, taste=2.5)
    found = length_control(outcomes, more)
    assert found is not None and found.prefers_length
    assert found.win_rate > 0.6 and found.longer_wins is not None and found.longer_wins > 0.8
    assert found.adjusted is not None and found.adjusted_interval is not None
    assert found.adjusted_interval.low < 0.5 < found.adjusted_interval.high


def test_a_judge_of_merit_alone_is_not_called_one_of_length() -> None:
    outcomes, more = simulated(600, merit=1.0, taste=0.0)
    found = length_control(outcomes, more)
    assert found is not None and not found.prefers_length
    assert found.adjusted == pytest.approx(found.win_rate, abs=0.08)


def test_a_judge_that_always_takes_the_longer_one_cannot_be_adjusted_and_is_named() -> None:
    more = np.array([10.0, -20.0, 30.0, -5.0] * 10)
    found = length_control((more > 0).astype(float), more)
    assert found is not None and found.adjusted is None and found.longer_wins == 1.0 and found.prefers_length


@pytest.mark.parametrize("more", [np.zeros(8), np.full(8, 7.0)])
def test_equal_differences_in_length_say_nothing_of_length(more: np.ndarray) -> None:
    found = length_control(np.array([1.0, 0, 1, 0.5, 1, 0, 1, 1]), more)
    assert found is not None and found.adjusted is None and not found.prefers_length
    assert length_control(np.array([]), np.array([])) is None


def test_the_adjusted_interval_covers_the_truth() -> None:
    hits = 0
    for seed in range(300):
        found = length_control(*simulated_whole(150, seed))
        assert found is not None and found.adjusted_interval is not None
        hits += found.adjusted_interval.low <= 1 / (1 + math.exp(-0.3)) <= found.adjusted_interval.high
    assert 0.91 <= hits / 300 <= 0.99


def simulated_whole(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Without ties, so that the truth at equal length is known."""
    rng = np.random.default_rng(seed)
    more = np.round(rng.normal(60, 120, n))
    p = 1 / (1 + np.exp(-(0.3 + 1.2 * np.tanh(more / more.std()))))
    return (rng.random(n) < p).astype(float), more
