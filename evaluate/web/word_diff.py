"""Two answers side by side, with the words that only one of them has."""

from __future__ import annotations

from assay.reviews.differing import compared
from assay.reviews.item import Turn
from assay.reviews.pieces import Piece, pieces


def sides(first: str, second: str) -> tuple[list[Piece], list[Piece]]:
    """The first text with what the second lacks as "removed", the second with what it has besides as "added".

    Texts that share hardly a word are not marked: all of it differs.
    """
    (after,), (before,) = compared([Turn("", second)], [Turn("", first)])
    return pieces(before), pieces(after)
