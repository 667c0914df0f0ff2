"""Two answers side by side, with the words that only one of them has."""

from __future__ import annotations

from assay.reviews.differing import compared
from assay.reviews.item import Turn
from assay.reviews.pieces import Piece, pieces

LONGEST = 100_000
"""Characters beyond which two texts are shown without marks: to compare them takes longer than to read a page."""


def sides(first: str, second: str, *, whole: bool = True) -> tuple[list[Piece], list[Piece]]:
    """The first text with what the second lacks as "removed", the second with what it has besides as "added".

    Texts that share hardly a word are not marked: all of it differs. whole: else of a long text what is around marks.
    """
    before, after = Turn("", first), Turn("", second)
    if max(len(first), len(second)) <= LONGEST:
        (after,), (before,) = compared([after], [before])
    return pieces(before, whole=whole), pieces(after, whole=whole)


def unmarked(text: str, *, whole: bool = True) -> list[Piece]:
    return pieces(Turn("", text), whole=whole)
