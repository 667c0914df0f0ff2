from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from assay.errors import require

from ..scorer import scorer

KINDS = ("rouge1", "rouge2", "rouge3", "rouge4", "rougeL", "rougeLsum")
MEASURES = ("fmeasure", "precision", "recall")


def _validate(settings: Mapping[str, Any]) -> None:
    require("scorers", "rouge_score")
    for name, known in (("kind", KINDS), ("measure", MEASURES)):
        if name in settings and settings[name] not in known:
            raise ValueError(f"{name} should be one of {', '.join(known)}")


@scorer(text_reference=True, validate=_validate)
def rouge(
    output: str, reference: str, *, kind: str = "rougeL", measure: str = "fmeasure", stemmer: bool = False
) -> float:
    """How far the output has the reference's words, in its order: ROUGE, by rouge-score.

    `rougeL` is the longest common sequence of words, `rouge1` and `rouge2` count single words and pairs; `recall` is
    the share of the reference's, `precision` of the output's, `fmeasure` both. Right words in a false sentence score
    too, and a right answer in other words does not: it shows that answers come nearer to yours, not that they are true.
    On ASCII text these are rouge-score's own numbers; it knows no other letters, and here those count as well.
    """
    scores = _scorer(kind, stemmer).score(reference, output)
    return float(getattr(scores[kind], measure))


@cache
def _scorer(kind: str, stemmer: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import Tokenizer

    class Words(Tokenizer):  # type: ignore[misc]
        def tokenize(self, text: str) -> list[str]:
            return _words(text, stemmer)

    return RougeScorer([kind], tokenizer=Words())


_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
"""Letters and digits of any script; a character each where words are not parted by spaces."""


def _words(text: str, stemmer: bool) -> list[str]:
    if text.isascii():
        from rouge_score.tokenize import tokenize

        return list(tokenize(text, _porter() if stemmer else None))
    found = _WORD.findall(text.lower())
    return [_porter().stem(word) if stemmer and word.isascii() and len(word) > 3 else word for word in found]


@cache
def _porter() -> Any:
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()
