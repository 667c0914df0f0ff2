"""Most of a vector in few numbers: what two vectors have in common at most, at a quarter of the price.

Vectors are turned so that most of their length stands in the first dimensions (the eigenvectors of their second
moment), and of the other dimensions only the length is kept. By Cauchy and Schwarz the product of the two rests is at
most the product of their lengths; so the dot product of two heads, that length being the last number of each, is never
less than the cosine, and where it is below a threshold the vectors need not be compared. No pair is lost by it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .threads import in_threads
from .vectors import Floats, Packed, Positions

REST = 0.35
"""So much of the squared length is left out of the head on average: of all pairs one in a thousand is then compared."""

STEP = 16
SAMPLED = 20_000
BLOCK = 4_096

SLACK = 1e-4
"""By which a bound may fall short of the cosine, since both are rounded."""


def heads_of(vectors: Packed, positions: Positions, text: int) -> Floats:
    """Of one text of the records at `positions`: shape [positions, dimensions of the head + 1], float32."""
    basis = _basis(vectors, positions[:: max(1, len(positions) // SAMPLED)], text)
    heads = np.empty((len(positions), basis.shape[1] + 1), np.float32)

    def fill(start: int) -> None:
        part = heads[start : start + BLOCK]
        np.matmul(vectors.text_rows(positions[start : start + BLOCK], text), basis, out=part[:, :-1])
        length = np.einsum("hd,hd->h", part[:, :-1], part[:, :-1])
        part[:, -1] = np.sqrt(np.maximum(0.0, 1.0 - length))

    for _ in in_threads(fill, range(0, len(heads), BLOCK)):
        pass
    return heads


def telling_text(vectors: Packed, positions: Positions) -> int:
    """Which of the texts tells the records apart best: that of which the mean of the unit vectors is shortest."""
    sample = positions[:: max(1, len(positions) // SAMPLED)]
    means = [_mean_length(vectors, sample, text) for text in range(vectors.texts)]
    return int(np.argmin(means))


def _basis(vectors: Packed, sample: Positions, text: int) -> Floats:
    """Orthonormal columns, shape [dimensions, dimensions of the head], the longest first."""
    moment = np.zeros((vectors.dimensions, vectors.dimensions), np.float64)
    for part in in_threads(lambda rows: rows.T @ rows, _blocks(vectors, sample, text)):
        moment += part
    values, columns = np.linalg.eigh(moment / max(1, len(sample)))
    rest = 1.0 - np.cumsum(values[::-1])
    wanted = int(np.argmax(rest <= REST)) + 1 if (rest <= REST).any() else len(values)
    return np.ascontiguousarray(columns[:, ::-1][:, : -(-wanted // STEP) * STEP], np.float32)


def _mean_length(vectors: Packed, sample: Positions, text: int) -> float:
    total = np.zeros(vectors.dimensions, np.float64)
    for rows in _blocks(vectors, sample, text):
        total += rows.sum(axis=0)
    return float(np.linalg.norm(total))


def _blocks(vectors: Packed, sample: Positions, text: int) -> Iterator[Floats]:
    for start in range(0, len(sample), BLOCK):
        yield vectors.text_rows(sample[start : start + BLOCK], text)
