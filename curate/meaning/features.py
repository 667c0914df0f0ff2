"""Texts as rows of numbers for a classifier: hashed TF-IDF of words and word pairs, and the encoder's vectors."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from assay.text import words

if TYPE_CHECKING:
    from .encoder import Encoder
    from .vectors import Floats

HASHED_DIMENSIONS = 2_048
WORDS_READ = 2_000


def features(texts: Sequence[str], encoder: Encoder | None) -> Floats:
    """Shape [texts, dimensions]: both parts of unit length, and a constant.

    Feature hashing with random signs after Weinberger et al. (2009). Without an encoder only words count.
    """
    parts = [_hashed(texts), np.full((len(texts), 1), 0.3, np.float32)]
    if encoder is not None:
        vectors = encoder.encode(texts)
        parts.insert(1, _unit(vectors - vectors.mean(axis=0)))
    return np.hstack(parts)


def _hashed(texts: Sequence[str]) -> Floats:
    grams = [_grams(text) for text in texts]
    spread = Counter(gram for counts in grams for gram in counts)
    out = np.zeros((len(texts), HASHED_DIMENSIONS), np.float32)
    for row, counts in enumerate(grams):
        for gram, count in counts.items():
            sign = 1.0 if gram >> 31 else -1.0
            weight = np.log((len(texts) + 1) / (spread[gram] + 0.5))
            out[row, gram % HASHED_DIMENSIONS] += sign * (1.0 + np.log(count)) * weight
    return _unit(out)


def _grams(text: str) -> Counter[int]:
    """32-bit hashes of words and of adjacent words."""
    found = words(text)[:WORDS_READ]
    pairs = (f"{one} {other}" for one, other in pairwise(found))
    return Counter(zlib.crc32(gram.encode("utf-8", "replace")) for part in (found, pairs) for gram in part)


def _unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return scaled
