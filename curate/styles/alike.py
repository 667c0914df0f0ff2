"""Prompts with mostly the same words: what makes the answers of two records comparable in layout and voice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from assay.text import words

LOOKED_AT = 600
"""Characters of a prompt that are compared."""

ALIKE = 0.5
"""Jaccard similarity of the words of two prompts from which they ask for the same kind of thing. Chosen on half 0 of
the data that benchmarks/mixed_styles.py reads."""


def alike_prompts(prompts: Sequence[str], others: Sequence[str]) -> list[list[int]]:
    """Of each prompt the indices of the others that are alike, the most similar first."""
    import numpy as np

    holding: dict[str, list[int]] = defaultdict(list)
    sizes = np.zeros(len(others), np.int64)
    for index, other in enumerate(others):
        own = _words(other)
        sizes[index] = len(own)
        for word in own:
            holding[word].append(index)
    postings = {word: np.array(indices) for word, indices in holding.items()}
    found = []
    for prompt in prompts:
        own, shared = _words(prompt), np.zeros(len(others), np.int64)
        for word in own & postings.keys():
            shared[postings[word]] += 1
        similarity = shared / np.maximum(1, sizes + len(own) - shared)
        order = np.argsort(-similarity, kind="stable")
        found.append(order[similarity[order] >= ALIKE].tolist())
    return found


def _words(prompt: str) -> frozenset[str]:
    return frozenset(words(prompt[:LOOKED_AT]))
