"""Words of one text alone are marked, the rest is not, and nothing gets lost."""

from __future__ import annotations

import random
import time

import pytest

from assay.evaluate.web.word_diff import MOST_WORDS, Piece, sides


@pytest.mark.parametrize("seed", range(20))
def test_the_pieces_of_each_side_are_its_text(seed: int) -> None:
    rng = random.Random(seed)
    first, second = (" ".join(rng.choice("abcde,.\n") for _ in range(rng.randrange(40))) for _ in range(2))
    left, right = sides(first, second)
    assert "".join(piece.text for piece in left) == first
    assert "".join(piece.text for piece in right) == second
    assert {piece.mark for piece in left} <= {"", "removed"} and {piece.mark for piece in right} <= {"", "added"}
    kept = ["".join(piece.text for piece in side if not piece.mark) for side in (left, right)]
    assert kept[0] == kept[1] or (kept == [first, second])


def test_only_what_differs_is_marked() -> None:
    left, right = sides("comes today.", "comes tomorrow.")
    assert left == [Piece("comes "), Piece("today", "removed"), Piece(".")]
    assert right == [Piece("comes "), Piece("tomorrow", "added"), Piece(".")]


def test_texts_without_a_common_word_are_not_marked_at_all() -> None:
    assert sides("yes indeed", "no") == ([Piece("yes indeed")], [Piece("no")])


def test_a_megabyte_is_shown_whole_and_soon() -> None:
    long = "word other " * 90_000
    began = time.process_time()
    left, right = sides(long, long[11:] + "end")
    assert time.process_time() - began < 20
    assert "".join(piece.text for piece in left) == long
    assert "".join(piece.text for piece in right) == long[11:] + "end"
    assert len(long.split()) > MOST_WORDS
