"""The interval of a share is exact: compared with scipy, and by how often it covers."""

from __future__ import annotations

import pytest

from assay.reviews.interval import clopper_pearson, readings_needed


@pytest.mark.parametrize(
    ("wrong", "read", "low", "high"),
    [
        (0, 10, 0.0, 0.308497),  # Clopper and Pearson's tables
        (1, 10, 0.002529, 0.445016),
        (5, 10, 0.187086, 0.812914),
        (10, 10, 0.691503, 1.0),
        (3, 100, 0.006230, 0.085176),
    ],
)
def test_it_is_that_of_the_tables(wrong: int, read: int, low: float, high: float) -> None:
    found = clopper_pearson(wrong, read)
    assert found.low == pytest.approx(low, abs=1e-6)
    assert found.high == pytest.approx(high, abs=1e-6)


def test_it_agrees_with_scipy_for_whole_and_for_effective_sizes() -> None:
    beta = pytest.importorskip("scipy.stats").beta
    for wrong, read in [(0.0, 3.7), (0.4, 12.3), (7, 73), (21.5, 400), (399.9, 400), (50, 100_000)]:
        found = clopper_pearson(wrong, read)
        low = 0.0 if wrong <= 0 else beta.ppf(0.025, wrong, read - wrong + 1)
        assert found.low == pytest.approx(low, abs=1e-9)
        assert found.high == pytest.approx(beta.ppf(0.975, wrong + 1, read - wrong), abs=1e-9)


def test_nothing_read_says_nothing() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_as_many_are_read_as_the_wanted_interval_takes_and_not_one_more() -> None:
    for half_width, rate in [(0.05, 0.05), (0.1, 0.5), (0.02, 0.0)]:
        count = readings_needed(half_width, rate)
        widths = [(high - low) / 2 for low, high in (clopper_pearson(rate * n, n) for n in (count - 1, count))]
        assert widths[0] > half_width >= widths[1]
    assert 50 <= readings_needed(0.05, 0.05) <= 100
