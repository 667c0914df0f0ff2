"""Texts cut into marked and unmarked pieces: what a page shows of a record."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DIFF_WORDS = 400


@dataclass(frozen=True)
class Piece:
    """A piece of text; mark is "", "hit", "added" or "removed"."""

    text: str
    mark: str = ""


def difference(before: str, after: str) -> Iterator[Piece]:
    """The second text, with what it adds and what of the first it lacks; up to MAX_DIFF_WORDS words of each."""
    old, new = (re.findall(r"\s*\S+", text)[:MAX_DIFF_WORDS] for text in (before, after))
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece("".join(new[c:d]))
            continue
        if b > a:
            yield Piece("".join(old[a:b]), "removed")
        if d > c:
            yield Piece("".join(new[c:d]), "added")
