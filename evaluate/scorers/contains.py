from __future__ import annotations

from ..outputs.phrases import occurs
from ..scorer import scorer


@scorer(text_reference=True)
def contains(output: str, reference: str, *, ignore_case: bool = True, whole_words: bool = True) -> float:
    """1 when the reference occurs in the output.

    For answers that may be wrapped in a sentence: `Your plan is Care Plus.` contains `care plus`. With
    `whole_words` the reference `10` is not found in `100`.
    """
    return float(occurs(reference, output, ignore_case=ignore_case, whole_words=whole_words))
