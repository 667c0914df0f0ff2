"""Words of one answer alone are marked, the rest is not, and nothing gets lost."""

from __future__ import annotations

import random

import pytest

from assay.evaluate.web.word_diff import sides


@pytest.mark.parametrize("seed", range(20))
def test_the_pieces_of_each_side_are_its_text(seed: int) -> None:
    rng = random.Random(seed)
    first, second = (" ".join(rng.choice("abcde,.\n") for _ in range(rng.randrange(40))) for _ in range(2))
    left, right = sides(first, second)
    assert "".join(piece.text for piece in left) == first
    assert "".join(piece.text for piece in right) == second
    assert {piece.mark for piece in left} <= {"", "removed"} and {piece.mark for piece in right} <= {"", "added"}


def test_only_what_differs_is_marked() -> None:
    left, right = sides("it comes today.", "it comes tomorrow.")
    assert [(piece.text, piece.mark) for piece in left] == [("it comes ", ""), ("today", "removed"), (".", "")]
    assert [(piece.text, piece.mark) for piece in right] == [("it comes ", ""), ("tomorrow", "added"), (".", "")]


def test_texts_that_share_hardly_a_word_are_not_marked_at_all() -> None:
    left, right = sides("yes, indeed it is so", "no, never")
    assert {piece.mark for piece in (*left, *right)} == {""}
