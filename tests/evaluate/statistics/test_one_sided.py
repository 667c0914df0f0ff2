"""A limit is what its test proves to be exceeded: found by inverting the test, and never against it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from assay.evaluate.statistics.one_sided import agreeing, paired_t_limit, superiority_limit
from assay.evaluate.statistics.paired_tests import superiority

NEAR = 1e-6


def scores(seed: int, n: int, *, graded: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    if graded:
        return rng.choice([0.0, 0.25, 0.5, 1.0], n), rng.choice([0.0, 0.5, 1.0], n)
    right = rng.random(n) < rng.random()
    moved = rng.random(n) < rng.random() / 2
    return np.where(moved, ~right, right).astype(float), right.astype(float)


def clusters_of(seed: int, n: int, *, shared: bool) -> list[str | None]:
    rng = np.random.default_rng(seed)
    return [f"c{rng.integers(max(2, n // 3))}" if shared else None for _ in range(n)]


SUITES = {
    "seed": st.integers(0, 10_000),
    "n": st.integers(1, 200),
    "graded": st.booleans(),
    "shared": st.booleans(),
    "alpha": st.sampled_from([0.001, 0.01, 0.05, 0.2]),
    "null": st.sampled_from([0.0, 0.02, 0.1]),
}


@settings(max_examples=150, deadline=None)
@given(**SUITES)
def test_the_limit_stands_on_the_side_of_the_bound_that_the_proof_says(
    seed: int, n: int, graded: bool, shared: bool, alpha: float, null: float
) -> None:
    better, worse = scores(seed, n, graded=graded)
    clusters = clusters_of(seed, n, shared=shared)
    limit = superiority_limit(better, worse, clusters, alpha, null)
    proved = superiority(better, worse, clusters, null) < alpha
    assert limit >= null if proved else limit <= null
    assert -1 <= limit <= 1


@settings(max_examples=80, deadline=None)
@given(**{name: drawn for name, drawn in SUITES.items() if name != "null"})
def test_it_is_where_the_test_turns(seed: int, n: int, graded: bool, shared: bool, alpha: float) -> None:
    """Whatever bound one had asked about: proved below the limit, and not above it."""
    better, worse = scores(seed, n, graded=graded)
    clusters = clusters_of(seed, n, shared=shared)
    null = 0.02  # any but 0, which McNemar's test judges
    limit = superiority_limit(better, worse, clusters, alpha, null)
    if limit - NEAR > -1 and abs(limit - NEAR) > NEAR:
        assert superiority(better, worse, clusters, limit - NEAR) < alpha
    if abs(limit + NEAR) > NEAR and limit + NEAR < 1:
        assert superiority(better, worse, clusters, limit + NEAR) >= alpha


def test_against_a_gain_of_nothing_it_is_mcnemars_verdict_and_tangos_limit() -> None:
    """5 gained and none lost: mid-p 0.016, and the score test's one-sided limit."""
    better, worse = np.array([1.0] * 5 + [0.0] * 35), np.zeros(40)
    assert superiority(better, worse) == pytest.approx(0.5**6)
    limit = superiority_limit(better, worse, None, 0.05)
    assert 0.05 < limit < 0.07
    assert superiority(better, worse, None, limit - NEAR) < 0.05 <= superiority(better, worse, None, limit + NEAR)


def test_where_the_two_tests_differ_the_proof_has_the_last_word() -> None:
    """Some table lies between them; there the limit is the bound itself, and not on the wrong side of it."""
    between = []
    for gains in range(2, 60):
        for losses in range(gains):
            better = np.array([1.0] * gains + [0.0] * (losses + 50))
            worse = np.array([0.0] * gains + [1.0] * losses + [0.0] * 50)
            p = superiority(better, worse)
            if abs(p - 0.05) < 0.01:
                between.append((p < 0.05, superiority_limit(better, worse, None, 0.05)))
    assert len(between) > 20 and any(limit == 0.0 for _, limit in between)
    assert all(limit >= 0 if proved else limit <= 0 for proved, limit in between)


def test_the_t_limit_is_scipys() -> None:
    differences = np.random.default_rng(4).normal(0.1, 0.3, size=70)
    sure = stats.t.interval(0.9, 69, differences.mean(), stats.sem(differences))
    assert paired_t_limit(differences, None, 0.05) == pytest.approx(sure[0], rel=1e-9)


def test_where_nothing_can_be_proved_the_limit_is_the_lowest() -> None:
    assert superiority_limit(np.array([]), np.array([]), None, 0.05) == -1.0
    assert superiority_limit(np.ones(3), np.zeros(3), ["one"] * 3, 0.05) == -1.0
    assert superiority_limit(np.full(2, 0.75), np.full(2, 0.25), None, 0.05) == -1.0  # equal twice proves nothing
    assert superiority_limit(np.full(9, 0.75), np.full(9, 0.25), None, 0.05) == pytest.approx(0.5)


def test_agreeing_moves_a_limit_to_the_bound_and_no_further() -> None:
    assert agreeing(0.03, 0.02, above=True) == 0.03 and agreeing(0.01, 0.02, above=True) == 0.02
    assert agreeing(0.03, 0.02, above=False) == 0.02 and agreeing(-math.inf, 0.0, above=False) == -math.inf
