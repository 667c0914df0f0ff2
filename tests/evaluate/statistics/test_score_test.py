"""The score test against Tango's closed form, published limits, and a likelihood maximised by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from assay.evaluate.statistics.score_test import Strata, score_lower_limit, score_statistic, score_upper_limit

Z = 1.959963984540054


def binary(*suites: tuple[int, int, int]) -> Strata:
    """(gains, losses, items) of each suite, equal weights."""
    counts = np.array([[losses, n - gains - losses, gains] for gains, losses, n in suites], dtype=float)
    return Strata(np.tile([-1.0, 0.0, 1.0], (len(suites), 1)), counts, np.full(len(suites), 1 / len(suites)))


def tango(gains: int, losses: int, n: int, null: float) -> float:
    """Tango (1998), equations for the constrained estimate and the statistic."""
    a = 2 * n
    b = -gains - losses + (2 * n - gains + losses) * null
    c = -losses * null * (1 - null)
    q = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    return (gains - losses - n * null) / math.sqrt(n * (2 * q + null * (1 - null)))


@given(
    gains=st.integers(0, 60),
    losses=st.integers(0, 60),
    rest=st.integers(1, 400),
    null=st.floats(-0.9, 0.9).filter(lambda x: abs(x) > 1e-3),
)
def test_one_suite_of_zero_one_scores_is_tangos_test(gains: int, losses: int, rest: int, null: float) -> None:
    n = gains + losses + rest
    found = float(score_statistic(binary((gains, losses, n)), null))
    assert found == pytest.approx(tango(gains, losses, n, null), rel=1e-6, abs=1e-6)


def test_interval_gives_the_published_limits() -> None:
    """Airway hyper-responsiveness, 1 and 7 discordant of 21: (-0.517, -0.026) (Fagerland, Lydersen & Laake 2014,
    Statistics in Medicine 33, 2850-2875, table of intervals for the difference)."""
    strata = binary((1, 7, 21))
    assert float(score_lower_limit(strata, Z)) == pytest.approx(-0.517, abs=5e-4)
    assert float(score_upper_limit(strata, Z)) == pytest.approx(-0.026, abs=5e-4)


@pytest.mark.parametrize("table", [(40, 20, 160), (0, 0, 50), (0, 3, 40), (30, 0, 30)])
def test_limits_are_where_the_statistic_reaches_its_quantile(table: tuple[int, int, int]) -> None:
    strata = binary(table)
    low, high = float(score_lower_limit(strata, Z)), float(score_upper_limit(strata, Z))
    if low > -1:
        assert float(score_statistic(strata, low)) == pytest.approx(Z, rel=1e-5)
    if high < 1:
        assert float(score_statistic(strata, high)) == pytest.approx(-Z, rel=1e-5)


def test_no_discordant_pair_still_leaves_doubt() -> None:
    """Fifty unchanged items exclude a loss of 10 points, not one of 2."""
    strata = binary((0, 0, 50))
    assert float(score_statistic(strata, -0.10)) > 1.645 > float(score_statistic(strata, -0.02))


def constrained_by_scipy(tables: list[tuple[int, int, int]], null: float) -> float:
    """z of the stratified score test, its constrained likelihood maximised numerically."""
    suites = len(tables)

    def negative(p: np.ndarray) -> float:
        total = 0.0
        for (gains, losses, n), (up, down) in zip(tables, p.reshape(-1, 2), strict=True):
            total -= gains * math.log(up) + losses * math.log(down) + (n - gains - losses) * math.log(1 - up - down)
        return total

    start = np.array([[(g + 1) / (n + 3), (c + 1) / (n + 3)] for g, c, n in tables]).ravel()
    found = optimize.minimize(
        negative,
        start,
        method="SLSQP",
        bounds=[(1e-9, 0.49)] * (2 * suites),
        constraints={"type": "eq", "fun": lambda p: (p[0::2] - p[1::2]).mean() - null},
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    assert found.success
    up, down = found.x[0::2], found.x[1::2]
    n = np.array([table[2] for table in tables])
    variance = ((up + down - (up - down) ** 2) / n).sum() / suites**2
    observed = np.mean([(g - c) / m for g, c, m in tables])
    return float((observed - null) / math.sqrt(variance))


@pytest.mark.parametrize("null", [-0.02, 0.01, -0.05])
@pytest.mark.parametrize(
    "tables", [[(20, 25, 500), (18, 15, 400), (3, 9, 120)], [(5, 5, 60), (40, 70, 900)], [(10, 12, 300)] * 6]
)
def test_several_suites_agree_with_a_likelihood_maximised_by_scipy(
    tables: list[tuple[int, int, int]], null: float
) -> None:
    assert float(score_statistic(binary(*tables), null)) == pytest.approx(
        constrained_by_scipy(tables, null), rel=2e-3, abs=2e-3
    )


def test_graded_scores_in_large_samples_agree_with_the_t_statistic() -> None:
    values, counts = np.unique(np.random.default_rng(0).choice([-0.5, 0.0, 0.3], size=4000), return_counts=True)
    strata = Strata(values[None], counts[None].astype(float), np.ones(1))
    mean = float(strata.means[0])
    spread = math.sqrt(float((counts * (values - mean) ** 2).sum()) / 3999 / 4000)
    for null in (mean - 0.01, mean + 0.01):
        assert float(score_statistic(strata, null)) == pytest.approx((mean - null) / spread, rel=0.02)


def test_many_gates_at_once_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(200, [0.05, 0.9, 0.05], size=(4, 3)).astype(float)
    values = np.broadcast_to([-1.0, 0.0, 1.0], counts.shape)
    weights = np.full(3, 1 / 3)
    together = score_statistic(Strata(values, counts, weights), -0.02)
    alone = [float(score_statistic(Strata(values[i], counts[i], weights), -0.02)) for i in range(4)]
    assert together == pytest.approx(alone)


def test_the_level_is_kept_at_a_few_dozen_items() -> None:
    """40 items that truly lose 10 points, 15 % discordant: non-inferiority at 10 points is claimed in about 5 %."""
    rng = np.random.default_rng(1)
    counts = rng.multinomial(40, [0.125, 0.85, 0.025], size=(4000, 1)).astype(float)
    strata = Strata(np.broadcast_to([-1.0, 0.0, 1.0], counts.shape), counts, np.ones(1))
    assert (score_statistic(strata, -0.10) > 1.645).mean() < 0.065
