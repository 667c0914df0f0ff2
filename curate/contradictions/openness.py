"""Which prompts invite many different answers, so that different answers to them are no contradiction."""

from __future__ import annotations

import re

_SOME = r"(?:an?|any|one|some|another|a few|two|three|four|five|six|ten|\d+)"
_REQUEST = (
    r"(?:^\W*|[.!?:;\n]\s*|\b(?:please|kindly|now|then|and|let'?s|help me(?: to)?|me to|you to|you please"
    r"|(?:can|could|would|will) you)\s+)"
)
"""What stands before the verb of a request; in a story that a question is about, the same verbs ask for nothing."""

_MAKING = re.compile(
    rf"{_REQUEST}(?:(?:creatively|briefly|just)\s+)?"
    r"(?:(?:write|compose|create|generate|suggest|brainstorm|invent|imagine|come up with|think of|make|design|draft"
    r"|propose|recommend|pick|pretend|role-?play|paraphrase|rephrase|reword|rewrite|summari[sz]e|edit|improve"
    r"|translate|continue|formulate|outline|develop|devise|craft|tell me something|entertain)\b"
    rf"|(?:choose|give(?: me| us)?|name|list|show(?: me)?|tell me|state|mention|describe|provide|construct|find|cite"
    rf"|identify) (?:\w+ )?{_SOME}\b)",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(
    r"\b(?:(?:give|show|provide|cite|find|offer|share|what(?: is|'s| are))\b[^.?!]{0,20} examples?"
    r"|(?:write|tell|a|an|another|short|funny|the following) (?:poem|story|joke|haiku|slogan|tagline|headline|caption)"
    r"|complete the (?:story|sentence|poem)|title for|ideas? (?:for|about|on|to)|your (?:opinion|favou?rite)|at random"
    r"|random \w+)\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"\b(?:schreibe?n?|verfasse|erfinde|erzähle?|nenne|schlage? .{0,30} vor|übersetze|gedicht|geschichte"
    r"|fasse .{0,40} zusammen|escrib[ea]|redacta|inventa|crea|sugiere|propón|nombra|recomienda|traduce|resume|poema"
    r"|cuento)\b"
    r"|写一|编写|撰写|创作|推荐|建议|列举|举例|翻译|总结|想一个|起一个|書いて|作って|考えて|提案|挙げて|おすすめ"
    r"|例を|翻訳|要約"
    r"|(?<!\w)(?:اكتب|اقترح|اذكر|ألف|تخيل|ترجم|لخص|أعط|صمم|اختر)(?!\w)",
    re.IGNORECASE,
)
_CATEGORICAL = re.compile(
    r"\b(?:classify|categori[sz]e|(?:which|what) (?:category|class|label|intent|section|topic|sentiment)|true or false"
    r"|yes or no|positive or negative|sentiment|is it an?\b|best describes?|choices:|options:|how (?:many|much|old|far"
    r"|long|often|tall|fast|big|large)|what percentage|when (?:was|is|did|were)|who (?:was|is|wrote|invented))\b",
    re.IGNORECASE,
)
_FROM_A_LIST = re.compile(
    r"\b(?:choose|pick|select)(?: (?!and\b|then\b|to\b)\w+){0,6}:\s*\n\s*(?:[-*•(\[]|\w[.)])", re.IGNORECASE
)
"""A choice from a list that stands there is closed, whatever the verb: "choose one:" is no "choose a colour"."""

_LONGEST = 4_000


def is_open_ended(prompt: str) -> bool:
    """Whether different answers to the prompt are expected: it asks to write, suggest, name one of many ..."""
    text = _FROM_A_LIST.sub(" ", prompt[:_LONGEST])
    asks = _MAKING.search(text) or _ANYWHERE.search(text) or _ELSEWHERE.search(text)
    return asks is not None and not is_categorical(text)


def is_categorical(prompt: str) -> bool:
    """Whether the prompt asks to choose one of several labels, or for one figure, day or person."""
    return _CATEGORICAL.search(prompt[:_LONGEST]) is not None
