"""Numbers and dates of two answers: which of them are the same fact, told differently."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from .alignment import content_words, jaccard, sentences
from .dates import Date, dates, same_date
from .quantities import Number, numbers, same_number

Fact = TypeVar("Fact", Number, Date)

_ROUGHLY = re.compile(
    r"(?:\b(?:about|around|approximately|roughly|nearly|almost|circa|some|close to|just (?:under|over)|an estimated"
    r"|up to"
    r"|over|more than|etwa|rund|ungefähr|knapp|gut|fast|zirka|unos|unas|aproximadamente|alrededor de|casi|cerca de)"
    r"|[~≈]|约|大约|近|約|およそ|حوالي|نحو|تقريبا)\s*(?:the |us\$|[$€£¥])?\Z",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"(?:\b(?:less than|fewer than|more than|at least|at most|under|over|below|above|up to|no more than|minimum(?: of)?"
    r"|maximum(?: of)?|within|mindestens|höchstens|weniger als|mehr als|bis zu|maximal|minimal|al menos|como máximo"
    r"|como mínimo|menos de|más de|hasta|unter|über)|至少|最多|不超过|超过|最低|最高|少なくとも|最大|على الأقل"
    r"|على الأكثر|أقل من|أكثر من)"
    r"\s*(?:the |us\$|[$€£¥])?\Z",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:左右|以上|以下|以内|ほど|程度|くらい|or (?:more|less|so)|oder (?:mehr|weniger)|o más|o menos|تقريبا)"
)
_CONCLUSION = re.compile(
    r"(?:\banswer(?: is|:)|####|\btherefore\b|\bboxed\b|\bthe result is\b|\bin total\b|=\s*[^=]{1,20}\Z)", re.IGNORECASE
)
"""A sentence that says what a calculation comes to."""

_ASKS = {
    "date": re.compile(r"\W*(?:when|(?:on|in) (?:what|which) (?:day|date|year|month))\b", re.IGNORECASE),
    "number": re.compile(
        r"\W*how (?:many|much|old|far|long|often|tall|fast|big|large|high|deep|heavy|wide|warm|hot|cold)\b",
        re.IGNORECASE,
    ),
}
"""How a question begins that one date or one number answers."""


class Differing(NamedTuple):
    """What two answers say of one fact; certain where nothing else in the sentences differs."""

    kind: str
    first: str
    second: str
    certain: bool


@dataclass(frozen=True)
class Facts(Generic[Fact]):
    """One kind of fact: how it is found and compared."""

    kind: str
    find: Callable[[str, str], tuple[Fact, ...]]
    same: Callable[[Fact, Fact], bool | None]


NUMBERS: Facts[Number] = Facts("number", numbers, same_number)
DATES: Facts[Date] = Facts("date", dates, same_date)


def single(facts: Facts[Fact], one: str, other: str, language: str) -> Differing | bool | None:
    """Where two answers that are one fact each differ, or True; None when they cannot be compared."""
    left, right = facts.find(one, language), facts.find(other, language)
    if len(left) != 1 or len(right) != 1:
        return None
    agree = facts.same(left[0], right[0])
    if agree is None and facts.kind == "number":
        agree = same_number(left[0], right[0], unit_given=False)  # type: ignore[arg-type]
    if agree is None:
        return None
    if agree or (facts is NUMBERS and _is_rough(left[0], right[0], one, other)):
        return True
    return Differing(facts.kind, left[0].text, right[0].text, True)


def asked(facts: Facts[Fact], question: str, one: str, other: str, language: str) -> Differing | None:
    """The one fact that a question asks for, where each answer is a sentence that holds one, in whatever words."""
    if language != "en" or _ASKS[facts.kind].match(question) is None:
        return None
    left, right = facts.find(one, language), facts.find(other, language)
    if len(left) != 1 or len(right) != 1 or not _is_sentence(one, language) or not _is_sentence(other, language):
        return None
    if facts.same(left[0], right[0]) is not False or (facts is NUMBERS and _is_rough(left[0], right[0], one, other)):
        return None
    return Differing(facts.kind, left[0].text, right[0].text, False)


def differing(
    facts: Facts[Fact], one: str, other: str, pairs: Sequence[tuple[str, str]], language: str
) -> Differing | None:
    """A fact of one answer that differs from its counterpart in the other, where neither has the other's fact."""
    everything = facts.find(one, language), facts.find(other, language)
    if not everything[0] or not everything[1]:
        return None
    if (
        len(everything[0]) == 1
        and len(everything[1]) == 1
        and _is_sentence(one, language)
        and _is_sentence(other, language)
    ):
        found = _between(facts, one, other, everything, language)
        if found is not None and (pairs or _share(one, other, language) >= 0.25):
            return found
    for a, b in pairs:
        concluding = _CONCLUSION.search(a) is not None and _CONCLUSION.search(b) is not None
        found = _between(facts, a, b, ((), ()) if concluding else everything, language)
        if found is not None:
            return found
    return None


def _between(
    facts: Facts[Fact], a: str, b: str, everything: tuple[tuple[Fact, ...], tuple[Fact, ...]], language: str
) -> Differing | None:
    """The first pair of facts in two counterparts that cannot both hold."""
    left, right = facts.find(a, language), facts.find(b, language)
    if len(left) == len(right):  # sentences of one build: the facts stand in the same places
        candidates = list(zip(left, right, strict=True))
    elif _is_part(facts, left, right):
        return None
    else:
        candidates = [(mine, theirs) for mine in left for theirs in right]
    for mine, theirs in candidates:
        if facts.same(mine, theirs) is not False or _is_rough(mine, theirs, a, b):
            continue
        if any(facts.same(mine, fact) for fact in everything[1]) or any(
            facts.same(theirs, fact) for fact in everything[0]
        ):
            continue
        return Differing(facts.kind, mine.text, theirs.text, _share(a, b, language) >= 0.8)
    return None


def _is_part(facts: Facts[Fact], left: Sequence[Fact], right: Sequence[Fact]) -> bool:
    """Whether all facts of the shorter side are among the longer one's: it says less, and nothing else."""
    short, long = sorted((left, right), key=len)
    return all(any(facts.same(mine, theirs) for theirs in long) for mine in short)


def _is_sentence(text: str, language: str) -> bool:
    return len(sentences(text, language)) == 1 and len(text.split()) <= 30


def _share(a: str, b: str, language: str) -> float:
    mine, theirs = content_words(a, language), content_words(b, language)
    return jaccard(mine, theirs) if mine and theirs else 1.0


def _repeats(one: Number | Date, other: Number | Date) -> bool:
    """Whether the same fact is said again, in as much detail."""
    if isinstance(one, Number) and isinstance(other, Number):
        return same_number(one, other) is True
    if isinstance(one, Date) and isinstance(other, Date):
        return one._replace(text="") == other._replace(text="")
    return False


def _is_rough(left: Number | Date, right: Number | Date, a: str, b: str) -> bool:
    """Whether a number is a bound where the other is none or another bound of a share, or is near and rounded."""
    if not isinstance(left, Number) or not isinstance(right, Number):
        return False
    if _same_but(left, right, a, b):
        return bool(left.dimension == "share" and _is_bound(left, a))
    if _is_bound(left, a) or _is_bound(right, b):
        return True
    close = any(abs(x - y) <= 0.05 * max(abs(x), abs(y)) for x in left.values for y in right.values)
    return close and bool(_ROUGHLY.search(_before(left, a)) or _ROUGHLY.search(_before(right, b)))


def _same_but(left: Number, right: Number, a: str, b: str) -> bool:
    """Whether the texts before both numbers are the same, so that one says of it what the other does."""
    return _before(left, a) == _before(right, b) != ""


def _before(number: Number, text: str) -> str:
    return text[max(0, number.start - 24) : number.start]


def _is_bound(number: Number, text: str) -> bool:
    return bool(_BOUND.search(_before(number, text)) or _AFTER.match(text, number.end))
