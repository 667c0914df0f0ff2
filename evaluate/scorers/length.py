from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.text import words

from ..scorer import scorer

UNITS = ("words", "characters")


def _validate(settings: Mapping[str, Any]) -> None:
    if not any(settings.values()):
        raise ValueError("no bound was given: least_words, most_words, least_characters or most_characters")
    if any(value < 0 for value in settings.values()):
        raise ValueError("a bound is negative")
    for unit in UNITS:
        least, most = settings.get(f"least_{unit}", 0), settings.get(f"most_{unit}", 0)
        if most and least > most:
            raise ValueError(f"least_{unit} is {least}, and most_{unit} is {most}")


@scorer(validate=_validate)
def length(
    output: str,
    reference: str,
    *,
    least_words: int = 0,
    most_words: int = 0,
    least_characters: int = 0,
    most_characters: int = 0,
) -> float:
    """1 when the output is as long as asked, in words or characters, bounds included; 0 sets no bound.

    `most_words: 50` for answers that must be brief. White space at the ends does not count, and a Chinese, Japanese or
    Thai character is a word. An empty output scores 0. The reference is an answer of the right length.
    """
    text = output.strip()
    if not text:
        return 0.0
    lengths = ((len(words(text)), least_words, most_words), (len(text), least_characters, most_characters))
    return float(all(least <= found and (not most or found <= most) for found, least, most in lengths))
