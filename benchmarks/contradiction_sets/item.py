"""What the sets are made of: two records of one context, and what is to be said of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

POSITIVE = ("number", "date", "polarity", "label", "refusal", "format", "entity", "free")
PICTURE, NEWS = "Describe the picture.", "What happened?"
"""Prompts that many pairs share."""


class Item(NamedTuple):
    """Two records of one context. kind is one of POSITIVE for a contradiction; else the name of a hard negative."""

    kind: str
    source: str
    prompt: str
    first: str
    second: str
    second_prompt: str | None = None

    @property
    def half(self) -> str:
        """ "tune" or "test", by the hash of what the pair was made from."""
        own = self.first if self.prompt in (PICTURE, NEWS) else ""
        digest = hashlib.sha256(f"{self.source}\0{self.prompt}\0{own}".encode("utf-8", "replace")).digest()
        return "test" if digest[0] % 2 else "tune"


def counts(items: Iterable[Item]) -> dict[str, int]:
    """Of each kind."""
    return dict(Counter(item.kind for item in items))


def negatives(items: Sequence[Item]) -> list[str]:
    """The kinds of hard negatives, in the order in which they were made."""
    return list(dict.fromkeys(item.kind for item in items if item.kind not in POSITIVE))
