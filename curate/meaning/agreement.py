"""What an encoder does not see: two texts with nearly the same words that do not say the same.

A mean of word vectors moves little when a number, a "not" or a name is exchanged, and not at all when words change
places. So what is near enough is read again, and one difference is enough to call it another meaning. Numbers,
dates and negation are read as in contradictions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from assay.text import symbols

if TYPE_CHECKING:
    from .encoder import Encoder

Difference: TypeAlias = Literal["number", "date", "negation", "opposite", "name", "order", "symbol", "word"]

MATCHED_WORD = 0.5
"""Cosine from which a word has a counterpart in the other text. Chosen, as FEW_WORDS, on half of STS, QQP and MRPC."""

FEW_WORDS = 10
"""Of texts with more words of content it is not asked whether each word has a counterpart."""

SAME_WORDS = 0.9
"""Share of common words from which their order counts."""

READ_CHARACTERS = 4_000

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NAME_OR_END = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*|[.!?:\n\"“*#•-]")
_I = frozenset(["I", "I'm", "I’m", "I've", "I’ve", "I'd", "I’d", "I'll", "I’ll"])


def difference(one: str, other: str, encoder: Encoder) -> Difference | None:
    """What two texts of similar words differ in, where it changes what they say; None when nothing was found."""
    one, other = one[:READ_CHARACTERS], other[:READ_CHARACTERS]
    return (
        _figures(one, other)
        or _denial(one, other)
        or _other_names(one, other)
        or _other_order(one, other)
        or ("symbol" if symbols(one) != symbols(other) and _is_formal(one) else None)
        or _other_words(one, other, encoder)
    )


_TYPE = re.compile(r"\b[^\W\d_][\w.-]*\d[\w-]*")


def _figures(one: str, other: str) -> Difference | None:
    from ..contradictions.dates import dates, same_date
    from ..contradictions.quantities import numbers, same_number

    mine, theirs = numbers(one), numbers(other)
    for left, right in ((mine, theirs), (theirs, mine)):
        if any(not any(same_number(a, b) for b in right) for a in left):
            return "number"
    days, other_days = dates(one), dates(other)
    for first, second in ((days, other_days), (other_days, days)):
        if any(not any(same_date(a, b) for b in second) for a in first):
            return "date"
    return None if _types(one) == _types(other) else "number"


def _types(text: str) -> set[str]:
    """Names with a number in them, such as those of models: GPT-4, A320."""
    return {word.casefold().strip(".-") for word in _TYPE.findall(text)} if any(map(str.isdigit, text)) else set()


def _denial(one: str, other: str) -> Difference | None:
    from ..contradictions.polarity import ANTONYMS, negations

    if (negations(one) > 0) != (negations(other) > 0):
        return "negation"
    mine, theirs = set(_words(one)), set(_words(other))
    for word in mine - theirs:
        if any(frozenset((word, counterpart)) in ANTONYMS for counterpart in theirs - mine):
            return "opposite"
    return None


def _other_names(one: str, other: str) -> Difference | None:
    """Whether each text has a name that the other lacks; a name that only one of them has may be an addition."""
    mine, theirs = one.casefold(), other.casefold()
    if any(name not in theirs for name in _names(one)) and any(name not in mine for name in _names(other)):
        return "name"
    return None


def _names(text: str) -> list[str]:
    """The first letters of words with a capital that do not begin a sentence, so that "Paris's" is "Paris"."""
    found, before = [], "."
    for match in _NAME_OR_END.finditer(text):
        word = match.group()
        if word[0].isupper() and before[0].isalnum() and word not in _I:
            found.append(word.casefold()[:5])
        before = word
    return found


def _other_order(one: str, other: str) -> Difference | None:
    """From Rome to Paris is not from Paris to Rome: the same words in another order."""
    mine, theirs = _words(one), _words(other)
    common = set(mine) & set(theirs)
    if len(common) < SAME_WORDS * len(set(mine) | set(theirs)):
        return None
    same = [word for word in mine if word in common] == [word for word in theirs if word in common]
    return None if same else "order"


def _other_words(one: str, other: str, encoder: Encoder) -> Difference | None:
    """Whether each text has a word of content that has no counterpart in the other: how to reset, how to change."""
    from ..contradictions.alignment import content_words

    mine, theirs = content_words(one), content_words(other)
    if max(len(mine), len(theirs)) > FEW_WORDS or not mine - theirs or not theirs - mine:
        return None
    left, right = sorted(mine), sorted(theirs)
    similarity = encoder.encode(left) @ encoder.encode(right).T
    for row, word in enumerate(left):
        if word in theirs:
            similarity[row, right.index(word)] = 1.0
    unmatched = similarity.max(axis=1).min() < MATCHED_WORD and similarity.max(axis=0).min() < MATCHED_WORD
    return "word" if unmatched else None


def _is_formal(text: str) -> bool:
    return any(sign in text for sign in "=+*<>^{}[]")


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
