"""Superiority on paired items."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from assay.evaluate.statistics.paired_tests import mcnemar_mid_p, paired_t, superiority


def test_mid_p_mcnemar_gives_the_published_value() -> None:
    """Airway hyper-responsiveness before and after transplantation, 1 against 7 discordant pairs: two-sided mid-p
    0.039 (Fagerland, Lydersen & Laake 2013)."""
    assert 2 * mcnemar_mid_p(7, 1) == pytest.approx(0.0391, abs=5e-5)


@pytest.mark.parametrize(("gains", "losses"), [(0, 0), (5, 5), (12, 3), (3, 12), (140, 90), (900, 800)])
def test_mid_p_is_the_exact_binomial_tail_less_half_the_observed_table(gains: int, losses: int) -> None:
    n = gains + losses
    expected = stats.binom.sf(gains - 1, n, 0.5) - 0.5 * stats.binom.pmf(gains, n, 0.5)
    assert mcnemar_mid_p(gains, losses) == pytest.approx(expected, rel=1e-9)


def test_paired_t_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    better, worse = rng.random(60), rng.random(60)
    expected = stats.ttest_rel(better, worse, alternative="greater").pvalue
    assert paired_t(better - worse) == pytest.approx(expected, rel=1e-9)


def test_paired_t_against_a_minimum_gain_agrees_with_scipy() -> None:
    differences = np.random.default_rng(1).normal(0.1, 0.3, size=80)
    expected = stats.ttest_1samp(differences, 0.03, alternative="greater").pvalue
    assert paired_t(differences, null=0.03) == pytest.approx(expected, rel=1e-9)


def test_clustered_t_agrees_with_cluster_robust_least_squares() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(15), 4)
    differences = 0.05 + 0.2 * rng.normal(size=15)[groups] + 0.1 * rng.normal(size=60)
    fit = sm.OLS(differences, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    expected = stats.t.sf(float(fit.tvalues[0]), 14)
    assert paired_t(differences, [str(g) for g in groups]) == pytest.approx(expected, rel=1e-6)


def test_bootstrap_agrees_with_the_t_test_on_graded_scores() -> None:
    rng = np.random.default_rng(3)
    differences = rng.choice([-0.5, 0.0, 0.25, 0.5], size=250, p=[0.1, 0.6, 0.2, 0.1])
    means = rng.choice(differences - differences.mean(), size=(20_000, 250)).mean(1)
    assert paired_t(differences) == pytest.approx((means >= differences.mean()).mean(), abs=0.01)


def test_clusters_that_move_as_one_count_as_one() -> None:
    better, worse = np.repeat([1.0, 1.0, 0.0, 1.0], 25), np.zeros(100)
    clusters = [str(i // 25) for i in range(100)]
    assert superiority(better, worse) < 1e-6
    assert superiority(better, worse, clusters) > 0.02


def test_no_change_at_all_proves_nothing() -> None:
    same = np.ones(50)
    assert superiority(same, same) == 0.5
    assert superiority(same * 0.5, same * 0.5) == 0.5
    assert superiority(np.array([]), np.array([])) == 1.0


def test_a_minimum_gain_is_harder_to_prove_than_any_gain() -> None:
    rng = np.random.default_rng(4)
    worse = (rng.random(400) < 0.3).astype(float)
    better = np.where(rng.random(400) < 0.15, 1.0, worse)
    assert superiority(better, worse) < 0.001 < superiority(better, worse, null=0.08)
