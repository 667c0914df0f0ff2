from __future__ import annotations

import re

from ..scorer import scorer


@scorer
def contains(output: str, reference: str, *, ignore_case: bool = True, whole_words: bool = True) -> float:
    """1 when the reference occurs in the output.

    For answers that may be wrapped in a sentence: `Your plan is Care Plus.` contains `care plus`. With
    `whole_words` the reference `10` is not found in `100`.
    """
    pattern = r"\s+".join(re.escape(word) for word in reference.split())
    if whole_words:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return float(re.search(pattern, output, re.IGNORECASE if ignore_case else 0) is not None)
