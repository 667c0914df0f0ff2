"""Kappa is Cohen's, its error that of Fleiss, Cohen and Everitt; only blind readings are compared."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from assay.reviews.agreement import Agreement, agreements, cohens_kappa, read_by_two
from assay.reviews.review import READING, SECOND_READING, Review, Subject, Verdict


def kappa(table: Sequence[Sequence[float]]) -> float:
    """Cohen 1960, from shares."""
    size = range(len(table))
    observed = sum(table[i][i] for i in size)
    expected = sum(sum(table[i]) * sum(row[i] for row in table) for i in size)
    return (observed - expected) / (1 - expected)


def error_by_delta(counts: Sequence[Sequence[int]]) -> float:
    """The delta method on the multinomial, the gradient by differences: another way to the published formula."""
    total, size = sum(map(sum, counts)), range(len(counts))
    share = [[count / total for count in row] for row in counts]
    step = 1e-6
    gradient = []
    for i in size:
        for j in size:
            up = [[value + step * ((a, b) == (i, j)) for b, value in enumerate(row)] for a, row in enumerate(share)]
            down = [[value - step * ((a, b) == (i, j)) for b, value in enumerate(row)] for a, row in enumerate(share)]
            gradient.append((kappa(up) - kappa(down)) / (2 * step))
    flat = [value for row in share for value in row]
    mean = sum(p * g for p, g in zip(flat, gradient, strict=True))
    return math.sqrt((sum(p * g * g for p, g in zip(flat, gradient, strict=True)) - mean**2) / total)


@pytest.mark.parametrize(
    "table",
    [
        [[20, 5], [10, 15]],
        [[45, 15], [25, 15]],
        [[25, 35], [5, 35]],
        [[88, 14, 18], [10, 40, 10], [2, 6, 12]],
        [[1, 0], [3, 40]],
    ],
)
def test_kappa_and_its_error_are_those_of_the_definition(table: list[list[int]]) -> None:
    found = cohens_kappa(table)
    total = sum(map(sum, table))
    assert found.value == pytest.approx(kappa([[count / total for count in row] for row in table]))
    assert found.error == pytest.approx(error_by_delta(table), rel=1e-4)


def test_a_published_example() -> None:
    """50 applications, 20 both yes, 15 both no: kappa 0.40."""
    assert cohens_kappa([[20, 5], [10, 15]]).value == pytest.approx(0.4)


def test_its_interval_covers_the_true_kappa_about_as_often_as_it_says() -> None:
    share = [[0.55, 0.1], [0.1, 0.25]]
    truth, chance, hits = kappa(share), random.Random(1), 0
    bounds = [0.55, 0.65, 0.75, 1.0]
    for _ in range(400):
        cells = [0, 0, 0, 0]
        for _ in range(200):
            draw = chance.random()
            cells[next(cell for cell, bound in enumerate(bounds) if draw < bound)] += 1
        low, high = cohens_kappa([cells[:2], cells[2:]]).interval or (0.0, 0.0)
        hits += low <= truth <= high
    assert 0.92 <= hits / 400 <= 0.98


@pytest.mark.parametrize("table", [((7, 0), (0, 0)), ((0, 0), (0, 3)), ((0, 0), (0, 0))])
def test_where_all_is_in_one_class_kappa_is_not_defined_and_that_is_said(table: tuple[tuple[int, int], ...]) -> None:
    pair = Agreement("ana", "ben", (table[0], table[1]))  # type: ignore[arg-type]
    assert pair.kappa == (None, None)
    assert "not defined" in pair.sentence() and pair.to_json()["kappa"] is None


def first(record: str, verdict: Verdict, who: str = "ana") -> Review:
    return Review(Subject(record, READING), verdict, who)


def second(record: str, verdict: Verdict, who: str = "ben", note: str = "") -> Review:
    return Review(Subject(record, SECOND_READING), verdict, who, note=note)


def test_what_is_compared_is_what_held_when_the_second_read_and_not_what_they_made_of_it_later() -> None:
    said = [
        first("a", Verdict.RIGHT),
        second("a", Verdict.WRONG, note="no source"),
        first("a", Verdict.WRONG),  # ana has seen ben's
        first("b", Verdict.WRONG),
        second("b", Verdict.WRONG),
        second("c", Verdict.RIGHT),  # nobody had read it first
        first("d", Verdict.RIGHT),
        second("d", Verdict.RIGHT),
        Review(Subject("d", SECOND_READING), Verdict.UNDO, "ben"),
    ]
    [one, other] = read_by_two(said)
    assert one == ("a", "ana", "ben", True, False, "no source")
    assert (other.record_id, other.first_good, other.second_good) == ("b", False, False)
    [pair] = agreements([one, other])
    assert (pair.first, pair.second, pair.table, pair.share) == ("ana", "ben", ((0, 1), (0, 1)), 0.5)
    assert read_by_two(said, ["b"]) == [other]


def test_an_edit_is_not_good_as_it_was() -> None:
    said = [Review(Subject("a"), Verdict.REPAIR, "ana", answer="better"), second("a", Verdict.WRONG)]
    assert not read_by_two(said)[0].first_good


def test_three_people_are_compared_in_pairs() -> None:
    said = [first("a", Verdict.RIGHT), second("a", Verdict.RIGHT), second("a", Verdict.WRONG, "cem")]
    names = [(pair.first, pair.second) for pair in agreements(read_by_two(said))]
    assert names == [("ana", "ben"), ("ana", "cem")]
    assert all(one <= other for one, other in pairwise(names))
