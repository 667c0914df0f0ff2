"""What an encoder does not see is read: one difference in substance, and the meaning is another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from assay.curate.meaning.agreement import difference


class Letters:
    """An encoder for which words are near that share their letters."""

    name, dimensions = "letters", 26

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts], np.float32)
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("It takes five days.", "It takes 5 days.", None),
        ("It takes five days.", "It takes 6 days.", "number"),
        ("It costs 3.50 euros", "It costs 35 euros", "number"),
        ("Paid on 3 May 2021", "Paid on 4 May 2021", "date"),
        ("You can return it", "You cannot return it", "negation"),
        ("The shop is open today", "The shop is closed today", "opposite"),
        ("We fly to Paris", "We fly to Rome", "name"),
        ("We fly to Paris", "we fly to paris", None),
        ("A train from Rome to Paris", "A train from Paris to Rome", "order"),
        ("not (a and b) = c", "not (a) and b = c", "symbol"),
        ("How do I reset my pin", "How do I buzzfully my pin", "word"),
        ("the return of my item", "my item: its return", None),
        ("Are you davinci-001?", "Are you davinci-003?", "number"),
        ("It weighs 5kg", "It weighs 5 kg", None),
        ("", "", None),
        ("\ud800", "\ud800", None),
    ],
)
def test_one_difference_makes_another_meaning(one: str, other: str, expected: str | None) -> None:
    assert difference(one, other, Letters()) == expected
    assert difference(other, one, Letters()) == expected


def test_a_name_that_only_one_of_them_gives_is_an_addition() -> None:
    assert (
        difference("You can pay by card at any time", "At any time you can pay by card, says Anna", Letters()) is None
    )
