"""Names: whether two answers name different things, where only one can be right."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.text import words

_FACTUAL = re.compile(
    r"\b(?:who|whom|whose|where|which|what(?:'s| is| was| are| were)? (?:the|its|his|her|their)"
    r"|in what|on what|of what|what (?:country|city|state|year|language|element|planet|animal|colou?r|name|type"
    r"|kind|gas|organ"
    r"|substance|process|term|unit|river|ocean|continent|currency|is (?:it|he|she) called)"
    r"|wer|wo|welche[rsmn]?|wie hei(?:ß|ss)t|quién|dónde|cuál)\b|谁|哪|什么|誰|どこ|何|どの|من هو|من هي|أين|ما هي"
    r"|ما هو|أي ",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:(?:which|what)(?: are)?(?: the| other)?(?: (?!is\b|was\b|does\b|has\b)[\w-]+){0,2}? "
    r"(?!is\b|was\b|does\b|has\b)(?:people|men|women|children|\w+[^\Wsiu]s)|who are|others?|another|some|any|one of"
    r"|examples?|for instance|where (?:can|do|should|could)|what (?:can|could|should|might|would|happens|if)|how"
    r"|why|an?)\b",
    re.IGNORECASE,
)
"""Questions to which several names are right."""

_NO_ANSWER = re.compile(
    r"\W*(?:i (?:have no|don'?t|do not|am not)\b|unknown\b|unclear\b|not (?:sure|known|clear|applicable)\b|n/?a\b"
    r"|none\b|nobody\b|no ?one\b|nothing\b|it (?:depends|varies|is (?:unclear|unknown|not))\b|(?:the|this) question\b"
    r"|there(?:'s| is| are| was| were)\b|both\b|neither\b|all of\b|no\b|yes\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_TITLES = frozenset(
    ["mr", "mrs", "ms", "dr", "sir", "lord", "saint", "st", "the", "president", "king", "queen", "professor"]
)
_MONTHS_AND_DAY_NAMES = (
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday"
)
_MONTHS_AND_DAYS = frozenset(_MONTHS_AND_DAY_NAMES.split())


NAMES_ARE_CAPITALISED = ("en", "es")
"""Languages whose sentences show names by their capitals; in German every noun has one."""


def may_have_several(question: str) -> bool:
    """Whether a question asks for one of many names, or for no name at all."""
    return _SEVERAL.search(question) is not None


def one_name_is_right(question: str, one: str, other: str) -> bool:
    """Whether a question has one right name, and both answers give one."""
    if _FACTUAL.search(question) is None or may_have_several(question):
        return False
    return not (_NO_ANSWER.match(one) or _NO_ANSWER.match(other))


def other_name(a: str, b: str) -> tuple[str, str] | None:
    """The names in which two sentences differ, where they differ in nothing else."""
    left, right = _WORD.findall(a), _WORD.findall(b)
    start = 0
    while start < min(len(left), len(right)) and left[start].casefold() == right[start].casefold():
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end].casefold() == right[-1 - end].casefold():
        end += 1
    mine, theirs = left[start : len(left) - end], right[start : len(right) - end]
    if not 0 < len(mine) <= 4 or not 0 < len(theirs) <= 4 or start + end < 2:
        return None
    if not (_is_name(mine, start == 0) and _is_name(theirs, start == 0)) or same_name(" ".join(mine), " ".join(theirs)):
        return None
    if any(" ".join(name).casefold() in text.casefold() for name, text in ((mine, b), (theirs, a))):
        return None
    return " ".join(mine), " ".join(theirs)


def _is_name(words_: Sequence[str], first_in_sentence: bool) -> bool:
    """Whether all words but little ones are capitalised, and one is so not only for standing first."""
    telling = [word for word in words_ if word.casefold() not in ("of", "the", "de", "von", "van", "and", "el", "la")]
    if not telling or any(word.casefold() in _MONTHS_AND_DAYS for word in telling):
        return False
    capitals = all(word[0].isupper() and not word[0].isdigit() for word in telling)
    return capitals and (len(telling) > 1 or not first_in_sentence)


def same_name(a: str, b: str) -> bool:
    """Whether one is part of the other, its initials, or the same but for a plural or spelling."""
    left, right = [w for w in words(a) if w not in _TITLES], [w for w in words(b) if w not in _TITLES]
    if not left or not right:
        return True
    if set(left) <= set(right) or set(right) <= set(left):
        return True
    short, long = sorted((left, right), key=len)
    if len(short) == 1 and len(long) > 1 and short[0] in (_initials(long), "".join(long)):
        return True
    joined = "".join(left), "".join(right)
    return joined[0].rstrip("s") == joined[1].rstrip("s") or _nearly(*joined)


def _nearly(a: str, b: str) -> bool:
    """Whether two longer names differ by one letter, as transliterations and misspellings do."""
    if min(len(a), len(b)) < 6 or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest = a[start:], b[start:]
    return rest[0][1:] == rest[1][1:] or rest[0][1:] == rest[1] or rest[0] == rest[1][1:]


def _initials(words_: Sequence[str]) -> str:
    return "".join(word[0] for word in words_ if word not in ("of", "the", "and", "for"))
