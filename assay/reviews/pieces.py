"""A text with marks, cut into pieces: what is shown of it, in a browser and in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assay.text import beginning

from .item import ADDED, HIT, REMOVED, Mark, Turn

GAP = "gap"
"""The mark of a piece that stands for text that is not shown."""

MOST = 900
"""Characters of a text without marks that are shown."""

AROUND = 160
"""Characters before and after a mark that are shown."""

SIGNS = {HIT: (">>", "<<"), ADDED: ("{+", "+}"), REMOVED: ("[-", "-]"), GAP: ("[", "]")}
"""Marks in plain signs; those of words that differ are those of `git diff --word-diff`."""


class Piece(NamedTuple):
    """mark: "" for plain text, HIT, ADDED, REMOVED, or GAP."""

    text: str
    mark: str = ""


def pieces(turn: Turn, *, whole: bool = True) -> list[Piece]:
    """All of the text; of a long one, unless it is wanted whole, its beginning or what is around its marks."""
    cut = list(_cut(turn.text, _in_order(turn.marks, len(turn.text))))
    if whole or len(turn.text) <= MOST:
        return cut
    if not turn.marks:
        shown = beginning(turn.text, MOST)
        return [Piece(shown), _gap(len(turn.text) - len(shown))]
    return list(_shortened(cut))


def signed(turn: Turn) -> str:
    """The text with its marks as plain signs."""
    return "".join(
        f"{SIGNS[piece.mark][0]}{piece.text}{SIGNS[piece.mark][1]}" if piece.mark else piece.text
        for piece in pieces(turn)
    )


def _in_order(marks: Sequence[Mark], length: int) -> Iterator[Mark]:
    """By place, inside the text, none over another."""
    end = 0
    for mark in sorted(marks):
        start, stop = max(mark.start, end), min(mark.end, length)
        if start < stop:
            yield Mark(start, stop, mark.kind)
            end = stop


def _cut(text: str, marks: Iterator[Mark]) -> Iterator[Piece]:
    at = 0
    for mark in marks:
        if mark.start > at:
            yield Piece(text[at : mark.start])
        yield Piece(text[mark.start : mark.end], mark.kind)
        at = mark.end
    if at < len(text):
        yield Piece(text[at:])


def _shortened(cut: Sequence[Piece]) -> Iterator[Piece]:
    for place, piece in enumerate(cut):
        head = AROUND if place > 0 else 0
        tail = AROUND if place + 1 < len(cut) else 0
        if piece.mark:
            yield from _long_mark(piece)
        elif len(piece.text) <= head + tail + AROUND:
            yield piece
        else:
            if head:
                yield Piece(piece.text[:head])
            yield _gap(len(piece.text) - head - tail)
            if tail:
                yield Piece(piece.text[-tail:])


def _long_mark(piece: Piece) -> Iterator[Piece]:
    if len(piece.text) <= MOST:
        yield piece
        return
    yield Piece(piece.text[: MOST // 2], piece.mark)
    yield _gap(len(piece.text) - MOST)
    yield Piece(piece.text[-(MOST // 2) :], piece.mark)


def _gap(characters: int) -> Piece:
    return Piece(f"… {characters:,} characters …", GAP)
