"""Two texts side by side, with the words that only one of them has."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

MOST_WORDS = 3000
"""Words and gaps of a text that are compared: the time grows with the product of both numbers."""

LEAST_SHARED = 0.25
"""Of the words of the shorter text: below it all differs, and a page of marks says less than none."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """mark: a class of the style sheet for words that the other text lacks, else ''"""

    text: str
    mark: str = ""


def sides(first: str, second: str) -> tuple[list[Piece], list[Piece]]:
    """The first text with what the second lacks as "removed", the second with what it has besides as "added".

    Beyond MOST_WORDS nothing is marked, and neither are texts that share hardly a word.
    """
    ours, our_rest = _split(first)
    theirs, their_rest = _split(second)
    left: list[Piece] = []
    right: list[Piece] = []
    shared = 0
    for kind, a, b, c, d in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        same = kind == "equal"
        one, other = "".join(ours[a:b]), "".join(theirs[c:d])
        shared += sum(map(_is_word, ours[a:b])) if same else 0
        left += [Piece(one, "" if same else "removed")] if one else []
        right += [Piece(other, "" if same else "added")] if other else []
    if shared < LEAST_SHARED * min(sum(map(_is_word, ours)), sum(map(_is_word, theirs))) or not shared:
        return [Piece(first)] if first else [], [Piece(second)] if second else []
    return [*left, *our_rest], [*right, *their_rest]


def _is_word(piece: str) -> bool:
    return piece[0].isalnum()


def _split(text: str) -> tuple[list[str], list[Piece]]:
    """Words and gaps to compare, and what is beyond them."""
    words: list[str] = []
    end = 0
    for match in _WORDS.finditer(text):
        if len(words) == MOST_WORDS:
            break
        words.append(match.group())
        end = match.end()
    rest = text[end:]
    return words, [Piece(rest)] if rest else []
