"""Answers that stand with another prompt, and rows that have slipped; sound data has neither."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest

from assay.curate.check import CHECKS, Context
from assay.curate.meaning.belonging import SHIFTS, Fits, Shift, misplaced, shifts
from assay.curate.meaning.vectors import Codes, pack
from assay.findings import Finding, Severity
from assay.records import Record

Make = Callable[..., Record]


def matching(count: int = 400, seed: int = 0) -> Codes:
    """Prompts and answers that lie near each other, shape [count, 2, 32]."""
    random = np.random.default_rng(seed)
    prompts = random.standard_normal((count, 32))
    return pack(np.stack((prompts, prompts + 0.5 * random.standard_normal((count, 32))), axis=1))


def own_fit(fits: Fits, count: int) -> np.ndarray:
    own: np.ndarray = fits.beside([0])[0]
    assert len(own) == count
    return own


def test_the_fit_is_the_sum_of_both_standard_scores() -> None:
    codes = matching(300)
    fits = Fits(codes)
    rows = np.arange(300)
    units = codes / np.linalg.norm(codes.astype(np.float64), axis=2, keepdims=True)
    units = units - units.mean(axis=0)
    units /= np.linalg.norm(units, axis=2, keepdims=True)
    products = units[:, 0] @ units[:, 1].T
    by_hand = products / products.std(axis=1, keepdims=True) + products / products.std(axis=0)
    np.testing.assert_allclose(fits.between(rows, rows), by_hand, atol=0.15)
    np.testing.assert_allclose(own_fit(fits, 300), np.diag(by_hand), atol=0.15)


def test_exchanged_answers_are_found_with_the_prompt_they_belong_to() -> None:
    codes = matching()
    codes[[10, 200, 300], 1] = codes[[200, 300, 10], 1]
    fits = Fits(codes)
    found = misplaced(fits, own_fit(fits, 400), 6.0)
    assert {(item.position, item.belongs_to) for item in found} == {(10, 200), (200, 300), (300, 10)}


def test_an_answer_that_fits_a_strange_prompt_by_chance_is_left_where_that_ones_answer_fits_none() -> None:
    codes = matching()
    codes[10, 1] = codes[200, 1]
    codes[200, 1] = pack(np.random.default_rng(5).standard_normal((1, 1, 32)))[0, 0]
    fits = Fits(codes)
    assert fits.between(np.array([200]), np.array([10]))[0, 0] > 6.0 > own_fit(fits, 400)[10] + 3.0
    assert misplaced(fits, own_fit(fits, 400), 6.0) == []


def test_sound_data_has_neither_misplaced_nor_shifted_answers() -> None:
    fits = Fits(matching())
    own = own_fit(fits, 400)
    assert misplaced(fits, own, 6.0) == []
    assert list(shifts(fits.beside(SHIFTS), own, np.zeros(400, np.int64))) == []


@pytest.mark.parametrize("offset", [1, -1, 2])
def test_a_stretch_of_shifted_rows_is_one_finding(offset: int) -> None:
    codes = matching()
    codes[100:160, 1] = np.roll(codes[100:160, 1], offset, axis=0)
    fits = Fits(codes)
    (shift,) = list(shifts(fits.beside(SHIFTS), own_fit(fits, 400), np.zeros(400, np.int64)))
    assert shift.offset == offset
    assert abs(shift.first - 100) <= 2
    assert abs(shift.last - 159) <= 2


def test_rows_of_different_files_are_no_neighbours() -> None:
    codes = matching()
    codes[100:160, 1] = np.roll(codes[100:160, 1], 1, axis=0)
    fits = Fits(codes)
    found: list[Shift] = list(shifts(fits.beside(SHIFTS), own_fit(fits, 400), np.arange(400) % 2))
    assert found == []


_SUBJECTS = (
    "volcano guitar bread tax football whale poem desert engine vaccine castle orchid chess glacier pasta telescope "
    "piano spider lawyer cheese bicycle earthquake wedding coffee library submarine tiger perfume harvest keyboard "
    "lighthouse dentist tornado violin mushroom passport bakery elephant camera turbine cathedral yoga honey satellite"
)
SUBJECTS = _SUBJECTS.split()


def conversations(make: Make, answers: list[int]) -> list[Record]:
    return [
        make(f"Please explain what a {SUBJECTS[n]} is.", f"The {SUBJECTS[a]}: everything about the {SUBJECTS[a]}.")
        for n, a in enumerate(answers)
    ]


def run(records: list[Record]) -> list[Finding]:
    return list(CHECKS.get("off_topic_answer").function(records, Context(records)))


@pytest.mark.skipif(find_spec("wordllama") is None, reason="needs the extra: meaning")
class TestCheck:
    def test_two_exchanged_answers_name_each_others_prompt(self, make: Make) -> None:
        order = list(range(len(SUBJECTS)))
        order[5], order[30] = 30, 5
        records = conversations(make, order)
        found = run(records)
        assert {finding.row_id for finding in found} == {records[5].row_id, records[30].row_id}
        assert found[0].evidence["other"] == records[30].row_id
        assert found[0].severity is Severity.WARNING

    def test_slipped_rows_are_one_group_of_severity_error(self, make: Make) -> None:
        order = [*range(10), *range(11, 31), 10, *range(31, len(SUBJECTS))]
        found = run(conversations(make, order))
        slipped = [finding for finding in found if finding.severity is Severity.ERROR]
        assert len({finding.group for finding in slipped}) == 1
        assert len(slipped) >= 18
        assert "each prompt is answered 1 above" in slipped[0].message

    def test_sound_or_few_or_empty_records_give_nothing(self, make: Make) -> None:
        assert run(conversations(make, list(range(len(SUBJECTS))))) == []
        assert run(conversations(make, [1, 0, 3, 2])) == []
        assert run([make("", "") for _ in range(60)]) == run([]) == []
