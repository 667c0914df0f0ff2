"""Near and edited pairs of plain texts: the tiers without records, for those who have nothing but texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..ngrams.sketches import BANDS, NEAR_WORDS, sketch
from ..ngrams.store import NgramStore
from ..ngrams.texts import buffer
from .clusters import Clusters, Positions, tie
from .edited import FEWEST_WORDS, VERIFIED_WORDS, candidates


class Pairs(NamedTuple):
    """Verified pairs, first < second, that tie similar texts together; a tree for each cluster, more or less.

    clusters  of each text the first one of its cluster, shape [texts]
    """

    first: Positions
    second: Positions
    similarity: npt.NDArray[np.float64]
    clusters: Positions


def near_pairs(texts: Sequence[str], threshold: float = 0.8) -> Pairs:
    """Jaccard similarity of word 5-grams at or above the threshold."""
    bands = sketch(buffer(texts)).bands
    comparison = _Comparison(texts, NEAR_WORDS, threshold)
    for band in range(BANDS):
        tie(bands[:, band], np.arange(len(texts)), comparison.clusters, comparison.verify)
    return comparison.pairs()


def edited_pairs(texts: Sequence[str], threshold: float = 0.3) -> Pairs:
    """Several rare word 3-grams in common, and Jaccard similarity of word 2-grams at or above the threshold."""
    sketched = sketch(buffer(texts))
    comparison = _Comparison(texts, VERIFIED_WORDS, threshold)
    first, second = candidates(sketched.sampled, np.flatnonzero(sketched.words >= FEWEST_WORDS))
    alike = comparison.verify(first, second)
    comparison.clusters.join(first[alike], second[alike])
    return comparison.pairs()


class _Comparison:
    def __init__(self, texts: Sequence[str], size: int, threshold: float) -> None:
        self.clusters = Clusters(len(texts))
        self._store = NgramStore(len(texts), lambda positions: [texts[position] for position in positions], size)
        self._threshold = threshold
        self._found: list[tuple[Positions, Positions, npt.NDArray[np.float64]]] = []

    def verify(self, first: Positions, second: Positions) -> npt.NDArray[np.bool_]:
        similarity = self._store.similarities(first, second)
        alike: npt.NDArray[np.bool_] = similarity >= self._threshold
        self._found.append((first[alike], second[alike], similarity[alike]))
        return alike

    def pairs(self) -> Pairs:
        empty = np.zeros(0, np.int64)
        first, second, similarity = (
            np.concatenate(parts) for parts in zip((empty, empty, np.zeros(0)), *self._found, strict=True)
        )
        return Pairs(first, second, similarity, self.clusters.leaders())
