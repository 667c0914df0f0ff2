"""How much less clustered items tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from assay.evaluate.statistics.clusters import INDEPENDENT, cluster_codes, cluster_sums, design_effect


def test_an_item_without_a_cluster_is_its_own() -> None:
    assert cluster_codes([None, "a", None, "a", "b"], 5).tolist() == [0, 1, 2, 1, 3]


def test_a_cluster_named_like_a_place_is_not_mixed_up_with_it() -> None:
    assert len(set(cluster_codes([0, None, 1], 3).tolist())) == 3


def test_sums_are_per_cluster() -> None:
    assert cluster_sums(np.array([1.0, 2.0, 4.0]), ["a", "b", "a"]).tolist() == [5.0, 2.0]


def test_single_items_have_no_design_effect() -> None:
    assert design_effect(np.array([0.0, 1.0, -1.0]), [None, "a", "b"]) == INDEPENDENT


def test_design_effect_is_the_ratio_of_robust_to_plain_variance() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 6)
    values = rng.normal(size=30)[groups] + rng.normal(size=180)
    robust = sm.OLS(values, np.ones(180)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    plain = sm.OLS(values, np.ones(180)).fit()
    found = design_effect(values, [str(g) for g in groups])
    assert found.factor == pytest.approx(float(robust.bse[0] / plain.bse[0]) ** 2, rel=1e-6)
    assert 15 < found.df <= 29


@pytest.mark.parametrize(("size", "likeness"), [(2, 0.8), (5, 0.3), (12, 0.1)])
def test_of_equal_clusters_it_is_kishs(size: int, likeness: float) -> None:
    """1 + (m - 1) rho for clusters of m items with the correlation rho (Kish 1965, section 5.4)."""
    rng = np.random.default_rng(2)
    shared, own = rng.normal(size=(3000, 1)), rng.normal(size=(3000, size))
    values = math.sqrt(likeness) * shared + math.sqrt(1 - likeness) * own
    found = design_effect(values.ravel(), [str(cluster) for cluster in np.repeat(np.arange(3000), size)])
    assert found.factor == pytest.approx(1 + (size - 1) * likeness, rel=0.08)


def test_totals_carried_by_few_clusters_have_few_degrees_of_freedom() -> None:
    """The variance of 400 estimates, each a mean of squares, is that of a chi-square with the stated df."""
    rng = np.random.default_rng(1)
    clusters = [str(i // 5) for i in range(500)]
    moved = rng.random((400, 100)) < 0.1
    totals = np.where(moved, rng.choice([-1.0, 1.0], size=(400, 100)), 0.0)
    estimates = (totals**2).mean(1)
    expected = 2 * estimates.mean() ** 2 / estimates.var()
    stated = np.median([design_effect(np.repeat(row, 5), clusters).df for row in totals])
    assert stated == pytest.approx(expected, rel=0.25)
    assert stated < 40


def test_it_never_makes_a_test_bolder() -> None:
    """Items of a cluster that balance each other out would give a factor below 1."""
    assert design_effect(np.tile([1.0, -1.0], 20), [str(i // 2) for i in range(40)]).factor == 1.0


def test_clusters_without_any_difference_count_as_single_items() -> None:
    assert design_effect(np.zeros(40), [str(i // 4) for i in range(40)]).factor == 4.0


def test_one_single_cluster_counts_as_one_item() -> None:
    found = design_effect(np.array([0.0, 1.0, 1.0]), ["a", "a", "a"])
    assert found.factor == 3.0 and math.isfinite(found.df)
