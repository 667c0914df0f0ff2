"""Prompts that are near in meaning, as groups: spherical k-means over the vectors that the check of meaning keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..column import Array

RECORDS_A_TOPIC = 80
MOST_TOPICS = 256
LEARNT_FROM = 20_000
ROUNDS = 8
BLOCK = 8_192
LEAST_COSINE = 0.4
"""A prompt that is less near to its topic than this belongs to none. Cosines are those of what is left without the
mean, which texts of one language share whatever they say."""


def topics(codes: Array) -> Array:
    """The topic of each record, from 1, or 0 for none; uint64, shape [records].

    codes  int8, shape [records, texts, dimensions], the prompt first: see meaning/vectors.py
    """
    import numpy as np

    out = np.zeros(len(codes), np.uint64)
    present = np.flatnonzero(codes[:, 0].any(axis=1))
    count = min(MOST_TOPICS, len(present) // RECORDS_A_TOPIC)
    if count < 2:
        return out
    sample = _unit(codes, present[:: max(1, -(-len(present) // LEARNT_FROM))])
    mean = sample.mean(axis=0)
    centres = _learn(_direction(sample - mean), count)
    for start in range(0, len(present), BLOCK):
        rows = present[start : start + BLOCK]
        cosines = _direction(_unit(codes, rows) - mean) @ centres.T
        near = cosines.max(axis=1) >= LEAST_COSINE
        out[rows[near]] = (cosines.argmax(axis=1)[near] + 1).astype(np.uint64)
    return out


def _learn(vectors: Array, count: int) -> Array:
    """Centres, from evenly spaced vectors on (Dhillon and Modha 2001); one that loses all of its own stays."""
    import numpy as np

    centres = vectors[np.linspace(0, len(vectors) - 1, count).astype(np.int64)].copy()
    for _ in range(ROUNDS):
        nearest = (vectors @ centres.T).argmax(axis=1)
        order = np.argsort(nearest, kind="stable")
        found, starts = np.unique(nearest[order], return_index=True)
        centres[found] = _direction(np.add.reduceat(vectors[order], starts, axis=0))
    return centres


def _unit(codes: Array, rows: Array) -> Array:
    import numpy as np

    return _direction(codes[rows, 0].astype(np.float32))


def _direction(vectors: Array) -> Array:
    import numpy as np

    directions: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return directions
