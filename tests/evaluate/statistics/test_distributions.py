"""Probabilities without scipy agree with scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from assay.evaluate.statistics.distributions import (
    fair_coin_tail,
    normal_quantile,
    normal_tail,
    regularised_beta,
    t_quantile,
    t_tail,
)


@pytest.mark.parametrize("z", [-9.0, -1.5, 0.0, 0.3, 4.0, 12.0])
def test_normal_tail_agrees_with_scipy_far_out_too(z: float) -> None:
    assert normal_tail(z) == pytest.approx(stats.norm.sf(z), rel=1e-10)


@pytest.mark.parametrize("df", [1.0, 2.5, 9.0, 99.0, 4000.0])
@pytest.mark.parametrize("t", [-7.0, -0.4, 0.0, 1.7, 25.0])
def test_t_tail_agrees_with_scipy(t: float, df: float) -> None:
    assert t_tail(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-9)


@pytest.mark.parametrize("df", [1.0, 4.0, 60.0, math.inf])
@pytest.mark.parametrize("probability", [0.025, 0.5, 0.9, 0.975, 0.999])
def test_t_quantile_agrees_with_scipy(probability: float, df: float) -> None:
    expected = stats.norm.ppf(probability) if math.isinf(df) else stats.t.ppf(probability, df)
    assert t_quantile(probability, df) == pytest.approx(expected, abs=1e-9)


def test_t_with_endless_degrees_of_freedom_is_the_normal_distribution() -> None:
    assert t_tail(1.3, math.inf) == normal_tail(1.3)
    assert t_tail(math.inf, 3.0) == 0.0 and t_tail(-math.inf, 3.0) == 1.0


@pytest.mark.parametrize(("heads", "flips"), [(0, 0), (3, 4), (11, 30), (700, 1200), (6100, 12000), (-1, 5), (6, 5)])
def test_fair_coin_tail_agrees_with_scipy(heads: int, flips: int) -> None:
    assert fair_coin_tail(heads, flips) == pytest.approx(stats.binom.sf(heads - 1, flips, 0.5), rel=1e-9)


@pytest.mark.parametrize(("x", "a", "b"), [(0.1, 0.5, 0.5), (0.9, 30.0, 2.0), (0.5, 1000.0, 990.0)])
def test_regularised_beta_agrees_with_scipy(x: float, a: float, b: float) -> None:
    assert regularised_beta(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-9)


def test_normal_quantile_undoes_the_tail() -> None:
    assert normal_tail(normal_quantile(0.95)) == pytest.approx(0.05)
