from __future__ import annotations

from collections.abc import Sequence

from ..outputs.phrases import occurs, phrases_of
from ..scorer import scorer


@scorer(is_answer=lambda settings: bool(settings.get("phrases")))
def required_phrase(
    output: str,
    reference: str,
    *,
    phrases: Sequence[str] = (),
    partial_credit: bool = True,
    ignore_case: bool = True,
    whole_words: bool = True,
) -> float:
    """The share of the required phrases that the output holds.

    They are the reference, one text or a JSON list of texts: `["30 days", "receipt"]` for an answer that must name
    both. With `phrases` they are the same for every item, and the reference is an answer that holds them. Without
    `partial_credit` only an output that holds all of them counts.
    """
    required = phrases_of(reference, phrases)
    held = sum(occurs(phrase, output, ignore_case=ignore_case, whole_words=whole_words) for phrase in required)
    return held / len(required) if partial_credit else float(held == len(required))
