"""What the records are about: groups of prompts that share their telling words.

Words are weighted by how rare they are (TF-IDF), brought down to a few dimensions (latent semantic analysis,
Deerwester et al. 1990), and grouped by k-means on directions (Dhillon and Modha 2001). Each group is named by the
words that are more frequent in it than elsewhere. It is a map to look at, not a measurement.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from assay.text import words
from assay.writing.function_words import FUNCTION_WORDS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix: TypeAlias = npt.NDArray[np.float32]
    Whole: TypeAlias = npt.NDArray[np.int64]
    Random: TypeAlias = np.random.Generator

Encode: TypeAlias = "Callable[[Sequence[str]], Matrix]"

FEWEST_TEXTS = 40
MOST_TOPICS = 16
TEXTS_A_TOPIC = 40
FITTED = 2_500
"""Texts that the groups are made from; others are put into the nearest one."""

VOCABULARY = 2_000
DIMENSIONS = 48
NAMING_WORDS = 3
LONGEST_TEXT = 4_000
"""Characters of a text that are looked at."""

OTHER = "other"

_WORDS = re.compile(r"\w+")
_EMPTY = frozenset(word.casefold() for listed in FUNCTION_WORDS.values() for word in listed.split()) | frozenset(
    _WORDS.findall(
        "am any could do does don each ever get give go got had has ll make many may much no now one out re should so"
        " some such than them then up ve very want well where who why would s t m d"
    )
)
"""Words that say nothing of what a text is about."""


@dataclass(frozen=True)
class Topics:
    """names: of the groups, the largest first. assigned: the group of each text, by position in names."""

    names: tuple[str, ...]
    assigned: tuple[int, ...]


def effective_number(counts: Sequence[int]) -> float:
    """As many equally large groups would be as diverse: exp of Shannon's entropy (Hill 1973, order 1).

    >>> effective_number([10, 10]), round(effective_number([99, 1]), 2)
    (2.0, 1.06)
    """
    total = sum(counts)
    if not total:
        return 0.0
    return math.exp(-sum(count / total * math.log(count / total) for count in counts if count))


def find_topics(texts: Sequence[str], seed: int, encode: Encode | None = None) -> Topics | None:
    """The groups of the texts; None where there are too few texts, or too few words that several of them share.

    encode  texts to vectors of length 1, whose directions are meanings; without it words stand for meaning
    """
    if len(texts) < FEWEST_TEXTS:
        return None
    tokens = [words(text[:LONGEST_TEXT]) for text in texts]
    step = -(-len(tokens) // FITTED)
    fitted = tokens[::step]
    vocabulary = _vocabulary(fitted)
    if len(vocabulary) < 10:
        return None
    import numpy as np

    random = np.random.default_rng(seed)
    if encode is None:
        points = _by_words(tokens, fitted, vocabulary, random)
    else:
        points = encode([text[:LONGEST_TEXT] for text in texts])
    groups = min(MOST_TOPICS, max(2, len(fitted) // TEXTS_A_TOPIC))
    centres = _k_means(points[::step], groups, random)
    assigned = np.where(points.any(axis=1), (points @ centres.T).argmax(axis=1), -1)
    return _named(assigned, tokens, vocabulary)


def _by_words(
    texts: Sequence[Sequence[str]], fitted: Sequence[Sequence[str]], vocabulary: dict[str, int], random: Random
) -> Matrix:
    """[texts, DIMENSIONS] of length 1; zeros for a text without a word of the vocabulary."""
    import numpy as np

    weights = _rarity(fitted, vocabulary)
    directions = _directions(_matrix(fitted, vocabulary, weights), min(DIMENSIONS, len(vocabulary) - 1), random)
    starts = range(0, len(texts), 2_000)
    parts = [_unit(_matrix(texts[start : start + 2_000], vocabulary, weights) @ directions) for start in starts]
    points: Matrix = np.concatenate(parts)
    return points


def _vocabulary(texts: Sequence[Sequence[str]]) -> dict[str, int]:
    """Words that some texts share and not most of them: {word: column}."""
    counts = Counter(word for text in texts for word in set(text))
    fewest, most = max(2, len(texts) // 1000), 0.4 * len(texts)
    shared = [word for word, count in counts.items() if fewest <= count <= most and _tells(word)]
    chosen = sorted(shared, key=lambda word: (-counts[word], word))[:VOCABULARY]
    return {word: column for column, word in enumerate(chosen)}


def _tells(word: str) -> bool:
    return word not in _EMPTY and not word.isdigit() and (len(word) > 1 or not word.isascii())


def _rarity(texts: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> Matrix:
    import numpy as np

    counts = Counter(word for text in texts for word in set(text) if word in vocabulary)
    return np.array([math.log(len(texts) / counts[word]) for word in vocabulary], np.float32)


def _matrix(texts: Sequence[Sequence[str]], vocabulary: dict[str, int], weights: Matrix) -> Matrix:
    """[texts, vocabulary]: a word counts once a text; rows of length 1."""
    import numpy as np

    matrix = np.zeros((len(texts), len(vocabulary)), np.float32)
    for row, text in enumerate(texts):
        matrix[row, [vocabulary[word] for word in set(text) if word in vocabulary]] = 1
    return _unit(matrix * weights)


def _unit(matrix: Matrix) -> Matrix:
    import numpy as np

    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: Matrix = matrix / np.maximum(lengths, np.float32(1e-9))
    return scaled


def _directions(matrix: Matrix, count: int, random: Random) -> Matrix:
    """[vocabulary, count]: the leading right singular vectors, by subspace iteration (Halko et al. 2011)."""
    import numpy as np

    basis: Any = random.standard_normal((matrix.shape[1], count)).astype(np.float32)
    for _ in range(3):
        basis, _ = np.linalg.qr(matrix.T @ (matrix @ basis))
    found: Matrix = np.ascontiguousarray(basis, np.float32)
    return found


def _k_means(points: Matrix, count: int, random: Random) -> Matrix:
    """[groups, dimensions]: centres of length 1; of two starts the one whose points are nearest."""
    import numpy as np

    best, best_score = None, -np.inf
    for _ in range(2):
        centres = _spread(points, count, random)
        for _ in range(15):
            nearest = (points @ centres.T).argmax(axis=1)
            sums = np.zeros_like(centres)
            np.add.at(sums, nearest, points)
            empty = np.linalg.norm(sums, axis=1) == 0
            sums[empty] = centres[empty]
            moved = _unit(sums)
            if np.allclose(moved, centres, atol=1e-4):
                break
            centres = moved
        score = float((points @ centres.T).max(axis=1).sum())
        if score > best_score:
            best, best_score = centres, score
    assert best is not None
    return best


def _spread(points: Matrix, count: int, random: Random) -> Matrix:
    """Starting points far from each other: k-means++ (Arthur and Vassilvitskii 2007)."""
    import numpy as np

    chosen = [int(random.integers(len(points)))]
    distance = np.full(len(points), np.inf)
    for _ in range(count - 1):
        distance = np.minimum(distance, np.maximum(0.0, 1 - points @ points[chosen[-1]]).astype(np.float64))
        total = distance.sum()
        if total <= 1e-6:
            break
        chosen.append(int(random.choice(len(points), p=distance / total)))
    spread: Matrix = points[chosen]
    return spread


def _named(assigned: Whole, texts: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> Topics:
    import numpy as np

    counted = Counter(assigned.tolist())
    order = sorted((group for group in counted if group >= 0), key=lambda group: (-counted[group], group))
    present = np.zeros((len(order) + 1, len(vocabulary)), np.float64)
    rank = {group: position for position, group in enumerate(order)}
    for group, text in zip(assigned.tolist(), texts, strict=True):
        present[rank.get(group, len(order)), [vocabulary[word] for word in set(text) if word in vocabulary]] += 1
    listed = list(vocabulary)
    everywhere = (present.sum(axis=0) + 1) / (len(texts) + 2)
    names: list[str] = []
    for group in order:
        inside = (present[rank[group]] + 0.5) / (counted[group] + 1)
        telling = inside * np.log(inside / everywhere)
        names.append(", ".join(listed[column] for column in np.argsort(-telling, kind="stable")[:NAMING_WORDS]))
    if -1 in counted:
        names.append(OTHER)
    return Topics(tuple(names), tuple(rank.get(group, len(order)) for group in assigned.tolist()))
