"""Intervals for one model on one suite."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from assay.evaluate.statistics.intervals import mean_interval, wilson_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (3, 17), (250, 500), (1, 3000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_agrees_with_statsmodels(successes: int, n: int, confidence: float) -> None:
    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    assert wilson_interval(successes, n, confidence) == pytest.approx((max(0, low), min(1, high)), abs=1e-12)


@pytest.mark.parametrize("n", [20, 60, 300])
def test_wilson_covers_as_often_as_it_says_on_average_and_is_narrower_than_clopper_and_pearsons(n: int) -> None:
    """Exact coverage by scipy's binomial; the interval of Clopper & Pearson 1934 covers more often than it says."""
    counts, shares = np.arange(n + 1), np.linspace(0.05, 0.95, 181)
    ours = np.array([wilson_interval(int(count), n) for count in counts])
    exact = np.transpose(proportion_confint(counts, n, alpha=0.05, method="beta"))
    chances = stats.binom.pmf(counts[:, None], n, shares)

    def coverage(limits: np.ndarray) -> float:
        return float((chances * ((limits[:, :1] <= shares) & (shares <= limits[:, 1:]))).sum(0).mean())

    assert coverage(ours) == pytest.approx(0.95, abs=0.01) and coverage(exact) > coverage(ours)
    assert np.diff(ours).mean() < np.diff(exact).mean()


def test_zero_one_scores_get_wilson() -> None:
    assert mean_interval([1.0, 0.0, 0.0, 1.0]) == wilson_interval(2, 4)


def test_graded_scores_get_students_t() -> None:
    scores = np.random.default_rng(0).random(40)
    low, high = stats.t.interval(0.95, 39, loc=scores.mean(), scale=stats.sem(scores))
    assert mean_interval(scores.tolist()) == pytest.approx((low, high))


def test_graded_scores_in_clusters_agree_with_cluster_robust_least_squares() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(20), 5)
    scores = np.clip(0.5 + 0.2 * rng.normal(size=20)[groups] + 0.1 * rng.normal(size=100), 0, 1)
    fit = sm.OLS(scores, np.ones(100)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    low, high = fit.conf_int()[0]
    assert mean_interval(scores.tolist(), [str(g) for g in groups]) == pytest.approx((low, high), rel=1e-6)


def test_clusters_widen_the_interval_of_zero_one_scores() -> None:
    scores = [1.0] * 5 + [0.0] * 5 + [1.0] * 5 + [0.0] * 5
    clusters = [str(i // 5) for i in range(20)]
    alone, together = mean_interval(scores), mean_interval(scores, clusters)
    assert together.low < alone.low and together.high > alone.high


def test_nothing_scored_says_nothing() -> None:
    assert mean_interval([]) == (0.0, 1.0)


@pytest.mark.parametrize(("clusters", "size", "spread"), [(10, 10, 0.3), (10, 30, 0.1), (40, 5, 0.3)])
def test_the_interval_of_few_clusters_holds_as_often_as_it_says(clusters: int, size: int, spread: float) -> None:
    """spread is the correlation of two items of a cluster. Of 600 data sets 95 % must be covered, less 2.5 errors."""
    rng = np.random.default_rng(0)
    p, runs = 0.6, 600
    names = [f"c{number}" for number in range(clusters) for _ in range(size)]
    covered = 0
    for _ in range(runs):
        shares = rng.beta(p * (1 - spread) / spread, (1 - p) * (1 - spread) / spread, clusters)
        scores = (rng.random((clusters, size)) < shares[:, None]).astype(float).ravel()
        low, high = mean_interval(scores.tolist(), names)
        covered += low <= p <= high
    assert covered / runs >= 0.95 - 2.5 * math.sqrt(0.95 * 0.05 / runs)
