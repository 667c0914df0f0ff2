"""Yes or no, denied or affirmed, refused or answered. English."""

from __future__ import annotations

import re

YES, NO = "yes", "no"

_YES = re.compile(
    r"\s*(?:yes|yep|yeah|true|correct|right|certainly|definitely|absolutely|of course|sure|affirmative|indeed)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\s*(?:no|nope|nah|false|incorrect|wrong|never|negative|not at all|unfortunately not|not)\b"
    r"(?!\s+(?:problem|worries|one|doubt|matter|longer|more|sooner|later|fewer|less)\b)",
    re.IGNORECASE,
)
_GLADLY = re.compile(
    r"\s*(?:sure|of course|certainly|absolutely|right|correct)[,!.]?\s+(?:here|i|let|thing|happy|no problem|away)\b",
    re.IGNORECASE,
)
"""Words of agreement that answer a request and no question: "Sure, here is the list"."""

_NEGATOR = re.compile(
    r"\b(?:not|never|no|none|nothing|nobody|nowhere|neither|nor|cannot|without|unable|impossible"
    r"|(?:ca|wo|do|does|did|is|are|was|were|has|have|had|should|would|could|must|need)n'?t"
    r"|nicht|kein|keine|keinen|nie|niemals|nunca|jamás|jamais|pas)\b"
    r"|不|没|無|无|ない|ません",
    re.IGNORECASE,
)
_ANTONYMS = """
allowed/forbidden allowed/prohibited permitted/prohibited permitted/forbidden required/optional mandatory/optional
always/never before/after increase/decrease increases/decreases increased/decreased higher/lower more/less true/false
valid/invalid legal/illegal possible/impossible safe/unsafe safe/dangerous open/closed opens/closes included/excluded
includes/excludes enabled/disabled on/off hot/cold left/right above/below minimum/maximum most/least accept/reject
accepts/rejects accepted/rejected free/paid with/without inside/outside positive/negative able/unable win/lose won/lost
buy/sell internal/external first/last supported/unsupported correct/incorrect compatible/incompatible
available/unavailable covered/excluded both/neither all/none
"""
ANTONYMS = frozenset(frozenset(pair.split("/")) for pair in _ANTONYMS.split())
"""Pairs of words of which one in the other's place turns a statement round."""

_CANNOT = r"(?:can(?:'t|not)|won't|(?:am|'m) (?:unable|not able|not allowed) to)"
_HELP = (
    r"(?:help|assist|answer|provide|give|do|discuss|share|comply|fulfil|fulfill|support|tell|say|talk|engage|create"
    r"|generate|complete|write|offer|respond|comment|suggest|encourage|recommend|advise|be able)"
)
_REFUSAL = re.compile(
    rf"\b(?:i(?:'m| am) (?:very |really |so )?(?:sorry|afraid)\b.{{0,60}}?\b(?:{_CANNOT}|unable|not able|don't|no\b)"
    rf"|i ?{_CANNOT} {_HELP}\b"
    r"|i (?:do not feel comfortable|refuse to|(?:must|have to) decline)"
    rf"|as an ai\b.{{0,60}}?\b(?:{_CANNOT}|unable|not able|don't)"
    rf"|(?:sorry|unfortunately|apologi[sz]e)\W+(?:but )?(?:i|we) ?{_CANNOT}"
    r"|(?:that|this) is (?:not something (?:that )?i can|something (?:that )?i cannot)"
    rf"|(?:we|i) (?:are|am) not (?:able|allowed) to {_HELP}"
    rf"|we can(?:'t|not) {_HELP})",
    re.IGNORECASE | re.DOTALL,
)
_REFUSAL_WITHIN = 160
"""Characters within which a refusal begins."""

_HELPS_AFTER_ALL = re.compile(
    r"\b(?:however|but|that said|nevertheless|still|although|though|in general)\b[^.!?]{0,60}?"
    r"\b(?:i can\b(?!'?t|not)|i could|i will|i'll|i'd|here (?:is|are)|here's|let me"
    r"|you (?:can|could|may|might|should)\b)|\bhere (?:is|are) (?:some|a few|the|an?)\b|\bfor example\b"
    r"|^\s*(?:\d+[.)]|[-*•])\s+\S|```",
    re.IGNORECASE | re.MULTILINE,
)
"""What follows a reservation that is no refusal: an offer, a list, code."""

_LECTURE = re.compile(
    r"\b(?:i (?:must|have to|need to) (?:point out|inform|clarify|emphasi[sz]e|stress|note|advise)|as an ai\b)",
    re.IGNORECASE,
)
_REFUSAL_WORDS = 70
"""A longer text refuses only when it does so in its first words, in the first person."""

_AT_ONCE = re.compile(
    r"\W*(?:i(?:'m| am) (?:very |really |so )?(?:sorry|afraid)[\w ,]{0,40}?\W+(?:but )?|i apologi[sz]e,? (?:but )?"
    r"|sorry,? (?:but )?|unfortunately,? |as an ai[\w ,]{0,40}?,? )?"
    rf"(?:i|we) ?{_CANNOT} (?:[\w]+ (?:or|and) )?{_HELP}\b",
    re.IGNORECASE,
)


def leading_polarity(text: str) -> str | None:
    """YES or NO when the text begins with one."""
    plain = text.replace("’", "'")
    if _GLADLY.match(plain):
        return None
    if _YES.match(plain):
        return YES
    return NO if _NO.match(plain) else None


def negations(text: str) -> int:
    """How many words deny."""
    return len(_NEGATOR.findall(text.replace("’", "'")))


def without_negations(text: str) -> str:
    return _NEGATOR.sub(" ", text.replace("’", "'"))


def refuses(text: str) -> bool | None:
    """Whether a text declines to answer; None for what is between: an answer with a reservation, a lecture."""
    plain = text.replace("’", "'").strip()
    match = _REFUSAL.search(plain[: _REFUSAL_WITHIN * 2])
    if match is None or match.start() >= _REFUSAL_WITHIN:
        return None if _LECTURE.search(plain[: _REFUSAL_WITHIN * 2]) else False
    if _HELPS_AFTER_ALL.search(plain, match.end()):
        return None
    return True if len(plain.split()) <= _REFUSAL_WORDS or _AT_ONCE.match(plain) else None


def is_refusal(text: str) -> bool:
    """Whether the text as a whole declines to answer, as against an answer with a reservation in it."""
    return refuses(text) is True
