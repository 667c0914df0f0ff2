"""Where two texts differ, word by word, as marks on each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

from .item import ADDED, REMOVED, Mark, Turn

MOST_WORDS = 1500
"""Of the stretch in which two texts differ; a longer one is marked as a whole."""

ALIKE = 0.4
"""Of two texts with fewer words in common nothing is marked: nearly every word would be."""


class Marks(NamedTuple):
    """Of the first text what the second lacks, and the other way round."""

    first: tuple[Mark, ...]
    second: tuple[Mark, ...]


def differing(first: str, second: str, kinds: tuple[str, str] = (ADDED, REMOVED)) -> Marks:
    """kinds: of the marks on the first text, and on the second."""
    one, other = _words(first), _words(second)
    start = _common(one, other)
    end = min(_common(one[::-1], other[::-1]), len(one) - start, len(other) - start)
    inner, outer = one[start : len(one) - end], other[start : len(other) - end]
    mine: list[Mark] = []
    theirs: list[Mark] = []
    for a, b, c, d in _changes([word.text for word in inner], [word.text for word in outer]):
        if b > a:
            mine.append(Mark(inner[a].start, inner[b - 1].end, kinds[0]))
        if d > c:
            theirs.append(Mark(outer[c].start, outer[d - 1].end, kinds[1]))
    return Marks(tuple(mine), tuple(theirs))


def compared(first: Sequence[Turn], second: Sequence[Turn]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Both conversations with marks where they differ: turns are paired from the end, where roles are the same."""
    ours, others = list(first), list(second)
    for back in range(1, min(len(ours), len(others)) + 1):
        one, other = ours[-back], others[-back]
        if one.role != other.role or not _alike(one.text, other.text):
            continue
        marks = differing(one.text, other.text)
        ours[-back] = one._replace(marks=(*one.marks, *marks.first))
        others[-back] = other._replace(marks=(*other.marks, *marks.second))
    return tuple(ours), tuple(others)


class _Word(NamedTuple):
    text: str
    start: int
    end: int


def _words(text: str) -> list[_Word]:
    return [_Word(match.group(), match.start(), match.end()) for match in re.finditer(r"\w+|[^\w\s]", text)]


def _common(one: Sequence[_Word], other: Sequence[_Word]) -> int:
    """Words at the beginning that are the same."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a.text != b.text:
            break
        count += 1
    return count


def _changes(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int, int, int]]:
    if max(len(one), len(other)) > MOST_WORDS:
        return [(0, len(one), 0, len(other))]
    codes = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return [(a, b, c, d) for kind, a, b, c, d in codes if kind != "equal"]


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    mine, theirs = {word.text for word in _words(one)}, {word.text for word in _words(other)}
    return len(mine & theirs) >= ALIKE * max(1, len(mine | theirs))
