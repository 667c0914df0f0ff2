from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from assay.errors import require

from ..scorer import scorer


def _validate(settings: Mapping[str, Any]) -> None:
    require("scorers", "sacrebleu")
    for name, least in (("char_order", 1), ("word_order", 0), ("beta", 1)):
        if settings.get(name, least) < least:
            raise ValueError(f"{name} should be {least} or more")


@scorer(text_reference=True, validate=_validate)
def chrf(output: str, reference: str, *, char_order: int = 6, word_order: int = 0, beta: int = 2) -> float:
    """How many runs of characters the output shares with the reference: chrF, by sacrebleu, from 0 to 1.

    For translations and for languages that inflect, where ROUGE sees another word in every ending. `word_order: 2` is
    chrF++. As with ROUGE, likeness is scored and not truth.
    """
    score = float(_metric(char_order, word_order, beta).sentence_score(output, [reference]).score)
    return min(1.0, max(0.0, score / 100))


@cache
def _metric(char_order: int, word_order: int, beta: int) -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(char_order=char_order, word_order=word_order, beta=beta)
