from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..scorer import scorer


def _validate(settings: Mapping[str, Any]) -> None:
    from assay.api import load_encoder

    if not 0.0 <= settings.get("threshold", 0.0) <= 1.0:
        raise ValueError("threshold should be from 0 to 1")
    load_encoder(settings.get("encoder", "static"))


@scorer(validate=_validate)
def embedding_similarity(output: str, reference: str, *, encoder: str = "static", threshold: float = 0.0) -> float:
    """How near the output is to the reference in meaning: the cosine of their vectors, 0 where it is negative.

    `encoder` is `static` (WordLlama's static vectors, English, from its wheel: `pip install 'assay[meaning]'`), or a
    model of sentence-transformers by name or folder. With `threshold` an output counts 1 from that cosine on and 0
    below. What is near need not be true: "is covered" and "is not covered" are neighbours.
    """
    from assay.api import load_encoder

    first, second = load_encoder(encoder).encode([output, reference])
    cosine = round(min(1.0, max(0.0, float(first @ second))), 5)
    return float(cosine >= threshold) if threshold else cosine
