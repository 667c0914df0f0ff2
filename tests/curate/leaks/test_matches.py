"""Items of evaluation suites are recognised inside records, word for word; what their template shares is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from assay.curate.check import Context
from assay.curate.leaks.columns import leak_flags
from assay.curate.leaks.index import SAME_WORDS, SHARED_NGRAM, LeakIndex
from assay.curate.leaks.matches import best_match
from assay.curate.ngrams.texts import buffer
from assay.records import Record
from assay.suites import EvaluationText

Make = Callable[..., Record]

ITEM = "A farmer has twelve sheep, sells all but nine of them and buys a cow for the money: how many sheep are left?"


def index(*texts: str) -> LeakIndex:
    return LeakIndex.of([EvaluationText("suite", str(number), text) for number, text in enumerate(texts)])


def test_the_whole_item_with_text_around_it_is_covered_and_quoted() -> None:
    match = best_match(f"Solve this. {ITEM.upper()} Think!", index("Something else entirely.", ITEM))
    assert match is not None
    assert (match.item, match.covered, match.run, match.whole) == (1, 1.0, 23, False)
    assert match.text == ITEM.upper()[:-1]


def test_the_very_item_is_told_from_one_inside_other_text() -> None:
    match = best_match(ITEM, index(ITEM))
    assert match is not None and match.whole


def test_a_part_of_an_item_is_measured() -> None:
    part = " ".join(ITEM.split()[:11])
    match = best_match(f"{part} goats, and then it rains for a week", index(ITEM))
    assert match is not None and match.run == 11 and match.covered == pytest.approx(11 / 23)


@pytest.mark.parametrize("text", ["", "!!!", "A farmer has twelve sheep", "\ud800", "x" * 100_000])
def test_what_shares_no_eight_words_matches_nothing(text: str) -> None:
    assert best_match(text, index(ITEM)) is None


def test_the_template_of_a_suite_is_no_match() -> None:
    template = "Read the following sentence carefully and say whether it is plausible or not"
    items = [f"{template}: the cat number {number} sat on mat {number}" for number in range(40)]
    assert best_match(f"{template}: my own sentence about dogs", index(*items)) is None
    found = best_match(f"Well. {items[7]}. Indeed.", index(*items))
    assert found is not None and found.item == 7, "n-grams that end in the item's own words are its own"


def test_flags_of_texts_tell_the_two_kinds_apart() -> None:
    texts = [ITEM.lower(), f"so: {ITEM}", "nothing", "", "a farmer has twelve sheep"]
    flags = index(ITEM, "nothing at all").flags(buffer(texts))
    assert flags.tolist() == [SAME_WORDS | SHARED_NGRAM, SHARED_NGRAM, 0, 0, 0]


def test_any_turn_is_looked_at_and_user_turns_are_taken_together_too(make: Make) -> None:
    first, second = ITEM[:50], ITEM[50:]
    records = [make("Hi", f"Here: {ITEM}"), make(first, "Yes?", second, "Nine."), make("Hi", "Hello")]
    context = Context(records, evaluation_texts=[EvaluationText("suite", "1", f"{first}\n{second}")])
    flags = context.column(leak_flags)
    assert (flags & SAME_WORDS).astype(bool).tolist() == [False, True, False]
    assert (flags & SHARED_NGRAM).astype(bool).tolist() == [True, True, False]
    assert flags.dtype == np.uint8
