from __future__ import annotations

from assay.text import normalize

from ..scorer import scorer


@scorer(text_reference=True)
def normalised_match(output: str, reference: str) -> float:
    """1 when output and reference differ in case, punctuation and white space only.

    For short answers in words: `The Hague.` against `the hague`. What carries meaning must agree: decimal
    points, minus signs, percent signs.
    """
    return float(normalize(output) == normalize(reference))
