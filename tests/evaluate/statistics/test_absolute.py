"""A score above a bound, or below it: exact where items are independent, and no bolder where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assay.evaluate.statistics.absolute import counted, items_to_tell, lower_limit, p_above, p_below, upper_limit


def scores(right: int, items: int) -> np.ndarray:
    return np.array([1.0] * right + [0.0] * (items - right))


@pytest.mark.parametrize(("right", "items"), [(0, 10), (1, 10), (45, 50), (50, 50), (170, 200), (812, 1000)])
@pytest.mark.parametrize("bound", [0.5, 0.8, 0.95])
def test_right_and_wrong_are_judged_by_the_binomial_test(right: int, items: int, bound: float) -> None:
    found = counted(scores(right, items), None, 0.05)
    assert p_above(found, bound) == pytest.approx(stats.binomtest(right, items, bound, "greater").pvalue, abs=1e-10)
    assert p_below(found, bound) == pytest.approx(stats.binomtest(right, items, bound, "less").pvalue, abs=1e-10)


@pytest.mark.parametrize(("right", "items"), [(0, 10), (45, 50), (50, 50), (170, 200)])
def test_limits_are_clopper_and_pearsons(right: int, items: int) -> None:
    found = counted(scores(right, items), None, 0.05)
    exact = stats.binomtest(right, items).proportion_ci(0.9, "exact")
    assert (lower_limit(found, 0.05), upper_limit(found, 0.05)) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_fifty_nine_right_answers_prove_95_percent_and_fifty_eight_do_not() -> None:
    assert lower_limit(counted(scores(59, 59), None, 0.05), 0.05) > 0.95
    assert lower_limit(counted(scores(58, 58), None, 0.05), 0.05) < 0.95


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("graded", [False, True])
def test_a_proof_and_its_limit_say_the_same(seed: int, size: int, graded: bool) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random(80) if graded else (rng.random(80) < 0.8).astype(float)
    clusters = [str(number // size) for number in range(80)]
    found = counted(values, clusters, 0.05)
    low, high = lower_limit(found, 0.05), upper_limit(found, 0.05)
    assert p_above(found, low - 1e-6) < 0.05 <= p_above(found, low + 1e-6)
    assert p_below(found, high + 1e-6) < 0.05 <= p_below(found, high - 1e-6)


def test_items_that_share_a_cluster_count_for_less() -> None:
    values = scores(180, 200)
    alone = lower_limit(counted(values, None, 0.05), 0.05)
    together = lower_limit(counted(values, [str(number // 5) for number in range(200)], 0.05), 0.05)
    assert together < alone - 0.01
    all_right = counted(np.ones(100), [str(number // 10) for number in range(100)], 0.05)
    assert p_above(all_right, 0.8) > 0.8**10, "ten clusters that are all right are worth no more than ten items"


def wrongly_above(draw: object, bound: float, gates: int = 2000) -> float:
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(gates):
        values, clusters = draw(rng)  # type: ignore[operator]
        wrong += p_above(counted(values, clusters, 0.05), bound) < 0.05
    return wrong / gates


NOISE = 3 * (0.05 * 0.95 / 2000) ** 0.5


@pytest.mark.parametrize("items", [30, 120])
def test_a_score_at_the_bound_is_said_to_be_above_no_more_often_than_alpha(items: int) -> None:
    def right_or_wrong(rng: np.random.Generator) -> tuple[np.ndarray, None]:
        return (rng.random(items) < 0.9).astype(float), None

    def nearly_full(rng: np.random.Generator) -> tuple[np.ndarray, None]:
        return np.where(rng.random(items) < 0.8, 1.0, 0.5), None

    def in_clusters(rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
        shared, own = rng.random(items // 5), rng.random(items)
        fate = np.where(rng.random(items) < 0.5, np.repeat(shared, 5), own)
        return (fate < 0.9).astype(float), [str(number // 5) for number in range(items)]

    for draw in (right_or_wrong, nearly_full, in_clusters):
        assert wrongly_above(draw, 0.9) <= 0.05 + NOISE, draw.__name__


@pytest.mark.parametrize(("mean", "bound"), [(0.85, 0.8), (0.9, 0.8), (0.97, 0.95), (0.7, 0.8)])
def test_so_many_items_tell_in_four_of_five_cases(mean: float, bound: float) -> None:
    items = items_to_tell(mean, bound, 0.05)
    assert items is not None
    rng, test = np.random.default_rng(2), p_above if mean > bound else p_below
    told = [
        test(counted(scores(int(right), items), None, 0.05), bound) < 0.05 for right in rng.binomial(items, mean, 800)
    ]
    assert 0.7 <= np.mean(told) <= 0.92


def test_no_number_of_items_tells_a_score_from_itself() -> None:
    assert items_to_tell(0.8, 0.8, 0.05) is None
    assert items_to_tell(0.80001, 0.8, 0.05) is None
