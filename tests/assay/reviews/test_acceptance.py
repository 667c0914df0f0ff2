"""The bound is exact, holds for strata that differ, and says how much is lacking."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from scipy import stats

from assay.records import Record
from assay.reviews.acceptance import Acceptance, acceptance_of
from assay.reviews.interval import lower_bound
from assay.reviews.review import READING, Review, Subject, Verdict
from assay.reviews.sample import reading_order

Generated = Callable[..., Record]


def of(right: int, wrong: int, records: int = 5_000, skipped: int = 0) -> Acceptance:
    return Acceptance({"all": records}, {"all": right}, {"all": wrong}, skipped)


@pytest.mark.parametrize(("right", "wrong"), [(59, 0), (92, 1), (122, 2)])
def test_the_fewest_reviews_that_prove_95_percent(right: int, wrong: int) -> None:
    assert of(right, wrong).meets(0.95)
    assert not of(right - 1, wrong).meets(0.95)
    assert of(right - 1, wrong).needed(0.95) == 1
    assert of(0, wrong).needed(0.95) == right


@pytest.mark.parametrize(("right", "read"), [(59, 59), (122, 124), (0, 7), (7, 7), (40, 100)])
def test_the_bound_is_clopper_and_pearsons(right: int, read: int) -> None:
    expected = 0.0 if right == 0 else float(stats.beta.ppf(0.05, right, read - right + 1))
    assert lower_bound(right, read) == pytest.approx(expected, abs=1e-9)


def test_nothing_read_is_not_accepted_and_nothing_generated_needs_no_review() -> None:
    assert not of(0, 0).meets(0.95) and of(0, 0).needed(0.95) == 59
    assert of(0, 0, records=0).meets(0.95) and of(0, 0, records=0).needed(0.95) == 0


def test_a_set_that_was_read_as_a_whole_trains_with_what_was_not_rejected() -> None:
    whole = of(18, 2, records=20)
    assert whole.meets(0.95) and whole.lower == pytest.approx(0.9) and whole.interval == (0.1, 0.1)
    assert not of(17, 2, records=20).meets(0.95) and of(17, 2, records=20).needed(0.95) == 1


def test_skipping_the_hard_ones_does_not_buy_acceptance() -> None:
    assert of(59, 0).meets(0.95)
    assert not of(59, 0, skipped=1).meets(0.95)
    assert of(92, 0, skipped=1).meets(0.95)


def test_the_estimate_weighs_strata_by_their_size() -> None:
    found = Acceptance({"large": 900, "small": 100}, {"large": 10, "small": 5}, {"small": 5})
    assert found.error_rate == pytest.approx(0.1 * 0.5)
    low, high = found.interval
    assert low < 0.05 < high


def test_a_sample_that_is_not_spread_as_the_set_is_proves_less() -> None:
    even = Acceptance({"a": 900, "b": 100}, {"a": 54, "b": 6}, {})
    uneven = Acceptance({"a": 900, "b": 100}, {"a": 3, "b": 57}, {})
    assert even.meets(0.95) and even.lower == pytest.approx(lower_bound(60, 60))
    assert not uneven.meets(0.95) and uneven.lower < 0.6


def test_a_set_that_is_not_good_enough_passes_at_most_once_in_twenty(generated: Generated) -> None:
    """59 read of 400, of which 5 % are wrong, all in one stratum; 200 draws of the records, and so of the sample."""
    accepted = 0
    for draw in range(200):
        numbers = range(draw * 400, draw * 400 + 400)
        records = [generated(number, "paraphrase" if number % 4 else "evolve") for number in numbers]
        wrong = {record.id for record in random.Random(draw).sample(records[::4], 20)}
        read = [placed.record.id in wrong for placed in reading_order(records)[:59]]
        accepted += of(read.count(False), read.count(True), 400).meets(0.95)
    assert accepted <= 200 * 0.05 + 3 * (200 * 0.05 * 0.95) ** 0.5


def test_what_is_said_names_what_is_lacking(generated: Generated) -> None:
    placed = reading_order([generated(number) for number in range(200)])

    def said(verdict: Verdict, numbers: range) -> list[Review]:
        return [Review(Subject(placed[number].record.id, READING), verdict) for number in numbers]

    assert acceptance_of(placed, []).sentence(0.95) == (
        "nobody has read any of the 200 generated records; require_acceptance 0.95 needs 59 more reviews, if none of "
        "them finds a fault"
    )
    some = acceptance_of(placed, [*said(Verdict.RIGHT, range(57)), *said(Verdict.WRONG, range(57, 59))])
    assert (some.read, some.rejected, some.needed(0.95)) == (59, 2, 65)
    assert "59 read, 2 rejected" in some.sentence(0.95) and "needs 65 more reviews" in some.sentence(0.95)
    changed = [*said(Verdict.RIGHT, range(59)), *said(Verdict.SKIP, range(1)), *said(Verdict.UNDO, range(1, 2))]
    assert (acceptance_of(placed, changed).read, acceptance_of(placed, changed).skipped) == (57, 1)
