"""Prompts that ask the same in other words: pairs near in meaning in which nothing was found that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .agreement import difference
from .constants import STATIC
from .encoder import Encoder, load_encoder

if TYPE_CHECKING:
    from .pairs import Pairs
    from .vectors import Floats

ASKED_ALIKE = 0.85
"""Cosine from which two prompts are read; chosen on one half of STS and QQP: benchmarks/same_meaning_quality.py."""

MOST_READ = 200_000
"""Pairs that are read at most, the nearest first."""


def pairs_of(prompts: Sequence[str], encoder: str = STATIC, threshold: float = ASKED_ALIKE) -> Pairs:
    """(first, second, similarity): positions of prompts of the same meaning, first < second, sorted.

    similarity  the exact cosine, float32
    Of prompts that are the same, each is paired with the first of them only.

    Raises MissingExtraError or ModelError when there is no such encoder.
    """
    from .pairs import similar_pairs
    from .vectors import pack_texts

    loaded = load_encoder(encoder)
    candidates = similar_pairs(pack_texts(loaded, prompts), threshold)
    return confirmed(candidates, prompts, loaded, threshold)


def confirmed(pairs: Pairs, texts: Sequence[str], encoder: Encoder, threshold: float) -> Pairs:
    """The pairs whose exact cosine reaches the threshold and whose texts differ in nothing that changes the meaning."""
    import numpy as np

    from .pairs import Pairs

    nearest = np.sort(np.argsort(-pairs.similarity, kind="stable")[:MOST_READ])
    first, second = pairs.first[nearest], pairs.second[nearest]
    exact = cosines(encoder, [texts[place] for place in first], [texts[place] for place in second])
    kept = [
        place
        for place in np.flatnonzero(exact >= threshold - 1e-6).tolist()
        if difference(texts[first[place]], texts[second[place]], encoder) is None
    ]
    return Pairs(first[kept], second[kept], exact[kept])


def asked_items(
    prompts: Sequence[str], items: Sequence[str], encoder: str = STATIC, threshold: float = ASKED_ALIKE
) -> Pairs:
    """Prompts that ask what an evaluation item asks: (prompt, item, similarity), at most one item a prompt.

    The nearest item of each prompt, read like a pair of prompts. Costs prompts x items dot products.
    Raises MissingExtraError or ModelError when there is no such encoder.
    """
    from .pairs import Pairs, nearest
    from .vectors import pack_texts

    loaded = load_encoder(encoder)
    found = nearest(pack_texts(loaded, prompts), pack_texts(loaded, items), threshold)
    both = [*prompts, *items]
    joined = confirmed(Pairs(found.first, found.second + len(prompts), found.similarity), both, loaded, threshold)
    return Pairs(joined.first, joined.second - len(prompts), joined.similarity)


def cosines(encoder: Encoder, ones: Sequence[str], others: Sequence[str]) -> Floats:
    """Of each text and its counterpart, shape [texts]; few vectors are held at a time."""
    import numpy as np

    out = np.zeros(len(ones), np.float32)
    for start in range(0, len(ones), 1024):
        part = slice(start, start + 1024)
        out[part] = np.einsum("td,td->t", encoder.encode(ones[part]), encoder.encode(others[part]))
    return out
