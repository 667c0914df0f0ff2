"""Many texts in one buffer, and which of their characters make words.

Kernels walk over the bytes; what they see as a word is what `assay.text.words` sees, and a test holds them to it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
Offsets: TypeAlias = npt.NDArray[np.int64]

SEPARATOR, LETTER, ALONE = 0, 1, 2
"""Classes of characters: no part of a word, part of a word, a word by itself."""

_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
)
"""Scripts that put no space between words, as in `assay.text.WORD_PATTERN`."""


class Texts(NamedTuple):
    """UTF-8 of many texts. data: [bytes]; offsets: [texts + 1], the bytes where each begins and the last one ends.

    Case is folded by the kernels for ASCII, and was folded before for any other character.
    """

    data: Bytes
    offsets: Offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def longest(self) -> int:
        """Bytes of the longest text."""
        return int(np.diff(self.offsets).max(initial=0))


def buffer(texts: Sequence[str]) -> Texts:
    """Texts that are not ASCII are brought to compatibility form (NFKC) and folded."""
    joined = "".join(texts)
    if joined.isascii():
        return Texts(np.frombuffer(joined.encode(), np.uint8), _offsets(texts))
    parts = [text.encode() if text.isascii() else _folded(text) for text in texts]
    return Texts(np.frombuffer(b"".join(parts), np.uint8), _offsets(parts))


def _offsets(parts: Sequence[str | bytes]) -> Offsets:
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=offsets[1:])
    return offsets


def _folded(text: str) -> bytes:
    return unicodedata.normalize("NFKC", text).casefold().encode("utf-8", "surrogatepass")


@cache
def character_classes() -> Bytes:
    """The class of every code point; shape [0x110000]."""
    table = np.fromiter((chr(code).isalnum() for code in range(0x110000)), np.uint8, 0x110000)
    table[ord("_")] = LETTER
    for first, last in _UNSPACED:
        table[first : last + 1] = ALONE
    return table
