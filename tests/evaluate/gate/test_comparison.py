"""Estimates of single suites and of their mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from assay.evaluate.gate.comparison import (
    Differences,
    _degrees_of_freedom,
    differences_of,
    estimate_each,
    estimate_mean,
)


def drawn(n: int, loss: float, seed: int, size: int = 1) -> Differences:
    rng = np.random.default_rng(seed)
    values = np.repeat(rng.choice([-1.0, 0.0, 1.0], n // size, p=[0.04 + loss, 0.92 - loss, 0.04]), size)
    return differences_of(values, [f"c{i // size}" for i in range(n)] if size > 1 else [None] * n)


def test_each_suite_may_be_held_against_a_bound_of_its_own() -> None:
    suites = [drawn(300, 0.03, 1), drawn(500, 0.0, 2), drawn(200, 0.1, 3, size=4)]
    bounds = [0.02, 0.05, 0.1]
    together = estimate_each(suites, bounds)
    alone = [estimate_each([suite], bound)[0] for suite, bound in zip(suites, bounds, strict=True)]
    for ours, theirs in zip(together, alone, strict=True):
        assert ours.p_loss_within == pytest.approx(theirs.p_loss_within, rel=1e-6)
        assert ours.p_loss_beyond == pytest.approx(theirs.p_loss_beyond, rel=1e-6)
        assert tuple(ours.ci) == pytest.approx(tuple(theirs.ci), abs=1e-9)
    assert estimate_each(suites, 0.05)[1] == together[1]


def test_the_degrees_of_freedom_of_a_mean_are_welchs() -> None:
    """For two suites Satterthwaite's formula is that of Welch's test (Welch 1947, Biometrika 34, 28-35)."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, 12), rng.normal(0, 3, 30)
    kinds, none = np.array([-1.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0])
    suites = [
        Differences(len(x), float(x.mean()), kinds, none, float(x.var(ddof=1) / len(x)), len(x) - 1.0)
        for x in (one, other)
    ]
    expected = float(stats.ttest_ind(one, other, equal_var=False).df)
    assert _degrees_of_freedom(suites) == pytest.approx(expected, rel=1e-9)


def test_independent_items_have_endless_degrees_of_freedom() -> None:
    found = estimate_mean([drawn(400, 0.0, 5), drawn(300, 0.02, 6)], 0.02)
    assert found.ci.high - found.ci.low == pytest.approx(2 * 1.96 * math.sqrt(found.variance), rel=0.05)


def test_in_large_samples_the_interval_of_a_mean_is_the_normal_one() -> None:
    suites = [drawn(40_000, loss, seed) for loss, seed in ((0.0, 1), (0.02, 2), (0.05, 3))]
    found = estimate_mean(suites, 0.02)
    low, high = stats.norm.interval(0.95, found.difference, math.sqrt(found.variance))
    assert tuple(found.ci) == pytest.approx((low, high), abs=1e-4)
    assert found.p_loss == pytest.approx(stats.norm.cdf(found.difference / math.sqrt(found.variance)), abs=1e-3)
