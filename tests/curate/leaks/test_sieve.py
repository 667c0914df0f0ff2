"""What the sieve passes over is in no item; in the end the same texts are flagged as by a set of word 8-grams."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from assay.curate.leaks.index import SAME_WORDS, SHARED_NGRAM, LeakIndex
from assay.curate.leaks.sieve import NGRAM_WORDS, NOWHERE
from assay.curate.ngrams.texts import buffer
from assay.suites import EvaluationText
from assay.text import words

ITEM = "one two three four five six seven eight nine ten eleven twelve"


def index(*texts: str) -> LeakIndex:
    """Every item is a suite of its own, so that nothing is a template."""
    return LeakIndex.of([EvaluationText(str(number), "1", text) for number, text in enumerate(texts)])


def ngrams(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[start : start + NGRAM_WORDS]) for start in range(len(found) - NGRAM_WORDS + 1)}


def by_sets(texts: list[str], items: list[str]) -> list[int]:
    known = {gram for item in items for gram in ngrams(item)}
    wholes = {"".join(words(item)) for item in items}
    return [
        SAME_WORDS * ("".join(words(text)) in wholes) + SHARED_NGRAM * (not known.isdisjoint(ngrams(text)))
        for text in texts
    ]


@pytest.mark.parametrize(
    "vocabulary",
    [
        ["a", "b", "foo_bar", "it's", "X1", "...", "--"],
        ["a", "é", "Ärger", "漢", "字", "ไ", "😀", "Ⅳ", "\ufb01", "\u0130", "\ud800", "‘q’", "𝒳"],
    ],
)
def test_texts_of_few_words_are_flagged_as_by_sets(vocabulary: list[str]) -> None:
    chosen = random.Random(7)

    def text(most: int) -> str:
        return " ".join(chosen.choices(vocabulary, k=chosen.randrange(most)))

    items = [text(14) for _ in range(40)]
    texts = [*(text(60) for _ in range(1500)), *items, *(f"a {item} é" for item in items)]
    expected = by_sets(texts, items)
    assert set(expected) == {0, SAME_WORDS, SHARED_NGRAM, SAME_WORDS | SHARED_NGRAM}
    assert index(*items).flags(buffer(texts)).tolist() == expected


@pytest.mark.parametrize("before", range(12))
def test_an_ngram_is_seen_wherever_it_begins(before: int) -> None:
    own = " ".join(f"w{number}" for number in range(before))
    shared = " ".join(ITEM.split()[2:10])
    flags = index(ITEM).flags(buffer([f"{own} {shared}", f"{own} {shared} and more", f"{own} {shared[:-1]}"]))
    assert flags.tolist() == [SHARED_NGRAM, SHARED_NGRAM, 0]


def test_most_ordinary_texts_are_passed_over() -> None:
    chosen = random.Random(3)
    common = [f"word{number}" for number in range(2000)]

    def text() -> str:
        return " ".join(chosen.choices(common, k=60))

    suspects = index(*(text() for _ in range(500))).sieve.suspects(buffer([text() for _ in range(2000)]))
    assert np.mean(suspects.whole | (suspects.ngram != NOWHERE)) < 0.03


def test_the_same_characters_in_another_order_are_not_the_same_words() -> None:
    assert index("no on one").flags(buffer(["on no one", "NO, on: one", "noon one"])).tolist() == [0, 1, 1]


@pytest.mark.parametrize("hostile", [lambda n: "a" * n, lambda n: "a " * n, lambda n: "é" * n, lambda n: "漢" * n])
def test_a_million_characters_are_no_trouble(hostile: Callable[[int], str]) -> None:
    assert index(ITEM).flags(buffer([hostile(1_000_000), ITEM])).tolist() == [0, SAME_WORDS | SHARED_NGRAM]
