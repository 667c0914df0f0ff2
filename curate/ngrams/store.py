"""n-grams of those texts that candidates are compared by, loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .kernels import common_share, ngrams_of_texts
from .texts import buffer, character_classes

Positions: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint64]

MOST_VALUES = 1 << 22
"""n-grams that are held at a time, 32 MB; beyond it those loaded before make room."""

TEXTS_AT_A_TIME = 4096
PAIRS_AT_A_TIME = 1 << 14


class NgramStore:
    """Exact Jaccard similarity of word n-grams between texts that are named by position.

    count     texts that there are
    texts     f(positions) -> their texts
    left_out  sorted hashes of n-grams that do not count, but in a text that has no others
    """

    def __init__(
        self, count: int, texts: Callable[[Positions], Sequence[str]], size: int, left_out: Hashes | None = None
    ) -> None:
        self._texts = texts
        self._size = size
        self._left_out = np.zeros(0, np.uint64) if left_out is None else left_out
        self._start = np.full(count, -1, np.int64)
        self._end = np.full(count, -1, np.int64)
        self._values: Hashes = np.zeros(1 << 16, np.uint64)
        self._used = 0

    def similarities(self, first: Positions, second: Positions) -> npt.NDArray[np.float64]:
        """Of each pair; 0.0 where a text has no words. All of shape [pairs]."""
        out = np.zeros(len(first), np.float64)
        order = np.argsort(first, kind="stable")
        for begin in range(0, len(first), PAIRS_AT_A_TIME):
            block = order[begin : begin + PAIRS_AT_A_TIME]
            one, other = first[block], second[block]
            self._load(np.unique(np.concatenate((one, other))))
            out[block] = common_share(self._values, self._start, self._end, one, other)
        return out

    def _load(self, positions: Positions) -> None:
        if self._used > MOST_VALUES:
            self._start[:] = -1
            self._used = 0
        missing = positions[self._start[positions] < 0]
        for begin in range(0, len(missing), TEXTS_AT_A_TIME):
            block = missing[begin : begin + TEXTS_AT_A_TIME]
            values, offsets = ngrams_of(self._texts(block), self._size, self._left_out)
            self._append(values)
            self._start[block] = self._used + offsets[:-1]
            self._end[block] = self._used + offsets[1:]
            self._used += len(values)

    def _append(self, values: Hashes) -> None:
        needed = self._used + len(values)
        if needed > len(self._values):
            wider = np.zeros(max(needed, 2 * len(self._values)), np.uint64)
            wider[: self._used] = self._values[: self._used]
            self._values = wider
        self._values[self._used : needed] = values


def ngrams_of(texts: Sequence[str], size: int, left_out: Hashes | None = None) -> tuple[Hashes, Positions]:
    """The distinct n-grams of each text, sorted, in one array, and [texts + 1] offsets into it."""
    given = buffer(texts)
    values, offsets = ngrams_of_texts(given.data, given.offsets, character_classes(), given.longest, size)
    return (values, offsets) if left_out is None or not len(left_out) else _without(values, offsets, left_out)


def shared_ngrams(texts: Sequence[str], size: int, most: int) -> Hashes:
    """Hashes of the n-grams that stand in more than `most` of the texts, sorted."""
    distinct, counts = np.unique(ngrams_of(texts, size)[0], return_counts=True)
    return distinct[counts > most]


def _without(values: Hashes, offsets: Positions, left_out: Hashes) -> tuple[Hashes, Positions]:
    """From no text is all taken that it has."""
    texts = len(offsets) - 1
    own = ~np.isin(values, left_out)
    owner = np.repeat(np.arange(texts), np.diff(offsets))
    kept = own | (np.bincount(owner, own, minlength=texts) == 0)[owner]
    return values[kept], np.concatenate(([0], np.cumsum(np.bincount(owner[kept], minlength=texts))))
