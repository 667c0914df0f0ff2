"""Topics of records, by their words: TF-IDF and spherical k-means (Dhillon and Modha 2001), the same on any machine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from assay.text import words

from ..comparing.words import STOP_WORDS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

VOCABULARY = 2_000
ITERATIONS = 12
NAMED_BY = 3
RECORDS_A_TOPIC = 10
MOST_TOPICS = 20
LEAST_RECORDS = 40
"""Fewer records have no topics to speak of."""


class Topic(NamedTuple):
    """name: its most characteristic words; rows: positions of its texts, nearest its centre first."""

    name: str
    rows: tuple[int, ...]


def topics(texts: Sequence[str], count: int | None = None) -> list[Topic]:
    """Disjoint groups of texts by what they are about; texts without a common word are in none."""
    import numpy as np

    if len(texts) < LEAST_RECORDS:
        return []
    vocabulary, matrix = _weighted(texts)
    rows = np.flatnonzero(matrix.any(axis=1))
    if not len(rows):
        return []
    matrix = matrix[rows]
    number = min(count or MOST_TOPICS, max(1, len(rows) // RECORDS_A_TOPIC))
    centres = [matrix[0]]
    for _ in range(number - 1):  # the text farthest from all centres is the next one
        centres.append(matrix[int(np.argmin(np.max(matrix @ np.array(centres).T, axis=1)))])
    centre = np.array(centres)
    for _ in range(ITERATIONS):
        nearest = np.argmax(matrix @ centre.T, axis=1)
        for place in range(number):
            total = matrix[nearest == place].sum(axis=0)
            norm = float(np.linalg.norm(total))
            if norm:
                centre[place] = total / norm
    likeness = matrix @ centre.T
    nearest = np.argmax(likeness, axis=1)
    found = []
    for place in range(number):
        inside = np.flatnonzero(nearest == place)
        if len(inside):
            order = inside[np.argsort(-likeness[inside, place], kind="stable")]
            top = np.argsort(-centre[place], kind="stable")[:NAMED_BY]
            name = ", ".join(vocabulary[index] for index in top if centre[place][index] > 0)
            found.append(Topic(name, tuple(int(rows[index]) for index in order)))
    return found


def _weighted(texts: Sequence[str]) -> tuple[list[str], npt.NDArray[np.float64]]:
    """The vocabulary, and unit vectors over it, shape [texts, words]."""
    import numpy as np

    listed = [[word for word in words(text) if word not in STOP_WORDS and len(word) > 2] for text in texts]
    frequency = Counter(word for found in listed for word in set(found))
    usual = [(count, word) for word, count in frequency.items() if 2 <= count <= len(texts) // 2]
    vocabulary = [word for _, word in sorted(usual, key=lambda item: (-item[0], item[1]))[:VOCABULARY]]
    place = {word: index for index, word in enumerate(vocabulary)}
    matrix = np.zeros((len(texts), len(vocabulary)), np.float64)
    for row, found in enumerate(listed):
        for word, count in Counter(found).items():
            if word in place:
                matrix[row, place[word]] = (1 + math.log(count)) * math.log(len(texts) / frequency[word])
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return vocabulary, matrix / np.where(norms == 0, 1, norms)
