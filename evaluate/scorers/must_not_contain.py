from __future__ import annotations

from collections.abc import Sequence

from ..outputs.phrases import occurs, phrases_of
from ..scorer import scorer


@scorer(is_answer=lambda settings: bool(settings.get("phrases")))
def must_not_contain(
    output: str,
    reference: str,
    *,
    phrases: Sequence[str] = (),
    ignore_case: bool = True,
    whole_words: bool = True,
) -> float:
    """1 when the output holds none of the phrases that it must not hold.

    They are the reference, one text or a JSON list of texts: `["guarantee", "as an AI"]`. With `phrases` they are the
    same for every item, and the reference is an answer without them. An output without a letter or digit scores 0,
    since a model that says nothing must not do well.
    """
    if not any(map(str.isalnum, output)):
        return 0.0
    forbidden = phrases_of(reference, phrases)
    return float(
        not any(occurs(phrase, output, ignore_case=ignore_case, whole_words=whole_words) for phrase in forbidden)
    )
