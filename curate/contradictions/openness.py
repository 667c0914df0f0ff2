"""Which prompts invite many different answers, so that different answers to them are no contradiction."""

from __future__ import annotations

import re

_SOME = r"(?:an?|any|one|some|another|a few|two|three|four|five|ten|\d+)"
_OPEN_ENDED = re.compile(
    r"\b(?:write|compose|create|generate|suggest|brainstorm|invent|imagine|come up with|think of|make up|design|draft"
    rf"|propose|recommend|pick|(?:choose|give(?: me| us)?|name|list|show(?: me)?|tell me) {_SOME}\b"
    r"|(?:give|show|provide|cite|find|offer|share|what(?: is|'s| are))\b[^.?!]{0,20} examples?"
    r"|tell me something|paraphrase|rephrase|reword|rewrite|summari[sz]e|edit|improve|translate|continue"
    r"|complete the (?:story|sentence|poem)|poem|story|joke|haiku|slogan|tagline|headline|caption|title for|ideas?"
    r"|opinion|favou?rite|random|schreibe?n?|verfasse|erfinde|erzähle|nenne|schlage? .{0,30} vor|übersetze|gedicht"
    r"|geschichte"
    r"|fasse .{0,40} zusammen|escrib[ea]|redacta|inventa|crea|sugiere|propón|nombra|recomienda|traduce|resume|poema"
    r"|cuento)\b"
    r"|写一|编写|撰写|创作|推荐|建议|列举|举例|翻译|总结|想一个|起一个|書いて|作って|考えて|提案|挙げて|おすすめ"
    r"|例を|翻訳|要約"
    r"|(?<!\w)(?:اكتب|اقترح|اذكر|ألف|تخيل|ترجم|لخص|أعط|صمم|اختر)(?!\w)",
    re.IGNORECASE,
)
_CATEGORICAL = re.compile(
    r"\b(?:classify|categori[sz]e|which (?:category|class|label|intent)|true or false|yes or no|positive or negative"
    r"|sentiment|is it an?\b)",
    re.IGNORECASE,
)


def is_open_ended(prompt: str) -> bool:
    """Whether different answers to the prompt are expected: it asks to write, suggest, name one of many ..."""
    return _OPEN_ENDED.search(prompt[:4000]) is not None and not is_categorical(prompt[:4000])


def is_categorical(prompt: str) -> bool:
    """Whether the prompt asks to choose one of several labels."""
    return _CATEGORICAL.search(prompt) is not None
