"""Questions in other words are compared as one where an encoder is installed, and only where each word has its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.curate.check import CHECKS, Context
from assay.curate.contradictions.meanings import ask_the_same
from assay.records import Record

pytest.importorskip("wordllama")

Make = Callable[..., Record]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("What is the best way to repair a bicycle?", "How can I fix a bike?", True),
        ("Why is there no water in the kitchen?", "Why is there no hot water in the kitchen?", False),
        ("How do I open a savings account?", "How do I close a savings account?", False),
        ("Write a poem about the sea.", "Write a poem about the ocean.", False),
    ],
)
def test_words_without_a_counterpart_part_two_questions(one: str, other: str, expected: bool) -> None:
    from assay.curate.meaning.encoder import load_encoder

    assert ask_the_same(one, other, load_encoder("static")) is expected


def test_answers_to_questions_of_one_meaning_are_compared_and_their_context_counts(make: Make) -> None:
    ask, again = "What is the best way to repair a bicycle?", "How can I fix a bike?"
    two, three = "It takes 2 hours in the workshop.", "It takes 3 hours in the workshop."

    def lines(*records: Record, **settings: float) -> list[int | None]:
        findings = CHECKS.get("contradiction").function(records, Context(records), **settings)
        return [finding.source.line for finding in findings]

    assert lines(make(ask, two), make(again, three), same_meaning=0.5) == [1, 2]
    assert lines(make(ask, two), make(again, three), same_meaning=0.0) == []
    assert lines(make(ask, two, system="Cars."), make(again, three, system="Bikes."), same_meaning=0.5) == []
