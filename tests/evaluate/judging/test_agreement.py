"""Sensitivity, specificity, kappa and the corrected rate, against published examples, statsmodels and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa as reference_kappa

from assay.evaluate.judging.agreement import Rate, cohens_kappa, corrected_ratio, rogan_gladen


def test_the_corrected_prevalence_of_the_brucellosis_example_of_epir() -> None:
    """epiR's manual, epi.prev: 23 of 150 cows positive, sensitivity 0.96, specificity 0.89; true prevalence 5.1 %."""
    found = rogan_gladen(23 / 150, 150, Rate(960_000, 1_000_000), Rate(890_000, 1_000_000))
    assert found is not None and round(100 * found.estimate, 1) == 5.1
    assert found.interval.low == pytest.approx(0.0, abs=0.005) and found.interval.high == pytest.approx(0.13, abs=0.01)


def test_a_share_below_what_false_positives_alone_would_give_is_zero() -> None:
    """epiR's manual: 6 of 151, sensitivity 0.964, specificity 0.927; 0 cases (0 to 1.3 per 100)."""
    found = rogan_gladen(6 / 151, 151, Rate(964_000, 1_000_000), Rate(927_000, 1_000_000))
    assert found is not None and found.estimate == 0.0 and found.interval.low == 0.0
    assert found.interval.high == pytest.approx(0.013, abs=0.01)


def test_a_judge_that_is_no_better_than_a_coin_corrects_nothing() -> None:
    assert rogan_gladen(0.5, 100, Rate(5, 10), Rate(5, 10)) is None
    assert rogan_gladen(0.5, 100, Rate(0, 0), Rate(5, 10)) is None
    assert rogan_gladen(0.5, 0, Rate(9, 10), Rate(9, 10)) is None
    assert corrected_ratio(0.1, 0.001, 0.1, 0.01) is None


@pytest.mark.parametrize("truth", [0.1, 0.5, 0.85])
def test_the_interval_covers_the_truth_with_few_labels(truth: float) -> None:
    rng = np.random.default_rng(3)
    hits = cases = 0
    for _ in range(400):
        right = int(rng.binomial(120, truth))
        passed = int(rng.binomial(right, 0.85) + rng.binomial(120 - right, 0.2))
        found = rogan_gladen(
            passed / 120, 120, Rate(int(rng.binomial(30, 0.85)), 30), Rate(int(rng.binomial(30, 0.8)), 30)
        )
        if found is not None:
            cases += 1
            hits += found.interval.low <= truth <= found.interval.high
    assert cases > 390 and hits / cases >= 0.93


def test_a_corrected_gain_covers_the_truth() -> None:
    """Each answer's verdict errs by itself: sensitivity 0.85, specificity 0.8, so a gain shrinks to 65 %."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(300):
        base, candidate = rng.random(200) < 0.4, rng.random(200) < 0.6
        said = [np.where(right, rng.random(200) < 0.85, rng.random(200) < 0.2) for right in (base, candidate)]
        difference = said[1].astype(float) - said[0]
        sensitivity, specificity = rng.binomial(60, 0.85) / 60, rng.binomial(60, 0.8) / 60
        variance = float(difference.var(ddof=1) / 200)
        slope_variance = sensitivity * (1 - sensitivity) / 60 + specificity * (1 - specificity) / 60
        found = corrected_ratio(float(difference.mean()), variance, sensitivity + specificity - 1, slope_variance)
        assert found is not None
        hits += found.interval.low <= 0.2 <= found.interval.high
    assert 0.92 <= hits / 300 <= 0.99


@pytest.mark.parametrize("table", [[[40, 9], [6, 45]], [[20, 5, 1], [3, 15, 4], [2, 2, 30]], [[2, 30], [1, 20]]])
def test_kappa_and_its_interval_are_those_of_statsmodels(table: list[list[int]]) -> None:
    pairs = [
        (row, column) for row, counts in enumerate(table) for column, times in enumerate(counts) for _ in range(times)
    ]
    found = cohens_kappa([one for one, _ in pairs], [other for _, other in pairs])
    reference = reference_kappa(np.array(table))
    assert found is not None and found.estimate == pytest.approx(reference.kappa)
    assert found.interval.low == pytest.approx(reference.kappa_low) and found.interval.high == pytest.approx(
        reference.kappa_upp
    )


def test_kappa_is_unknown_where_both_always_say_the_same() -> None:
    assert cohens_kappa(["right"] * 5, ["right"] * 5) is None and cohens_kappa([], []) is None
