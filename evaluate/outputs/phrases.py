"""Phrases in an output: which count, and where one stands."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence


def occurs(phrase: str, text: str, *, ignore_case: bool, whole_words: bool) -> bool:
    """White space of any kind and length agrees; with whole_words `10` is not found in `100`."""
    pattern = r"\s+".join(re.escape(word) for word in phrase.split())
    if whole_words:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return re.search(pattern, text, re.IGNORECASE if ignore_case else 0) is not None


def phrases_of(reference: str, phrases: Sequence[str]) -> list[str]:
    """`phrases` where there are any, else those of the reference: a JSON list of texts, or one text.

    Raises ValueError for a list with anything else in it, and where there is no phrase at all.
    """
    found: Sequence[object] = phrases or _listed(reference)
    if not found or not all(isinstance(phrase, str) and phrase.strip() for phrase in found):
        raise ValueError(f"{'`phrases`' if phrases else 'the reference'} should be phrases, none empty")
    return [str(phrase) for phrase in found]


def _listed(reference: str) -> Sequence[object]:
    if reference.lstrip().startswith("["):
        try:
            value = json.loads(reference)
        except (ValueError, RecursionError):
            return [reference]
        if isinstance(value, list):
            return value
    return [reference]
