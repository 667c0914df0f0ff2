"""How a text ends: finished, or cut off in a sentence, a JSON value or a code block."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from ..contradictions.tongue import OTHER, language_of
from .markup import is_code_line


class Ending(NamedTuple):
    """kind is "json", "code", "word" or "sentence"; why is for people; confidence is between 0 and 1."""

    kind: str
    why: str
    confidence: float


_FENCE = re.compile(r"^[ \t]{0,3}(```+|~~~+)([^\n`]*)$", re.MULTILINE)
_CLOSERS = r"\s\"'”’»›)\]}*_`」』）"
_TERMINAL = re.compile(
    rf"[.!?…。！？؟।:;][{_CLOSERS}]*$"  # a full stop, perhaps with brackets and quotes after it
    r"|[\"”»」』）)\]}]\s*$"  # a closing bracket or quote
    r"|[\U0001F300-\U0001FAFF\u2600-\u27BF♥]\W*$"  # an emoji
)
_LIST_ITEM = re.compile(r"^\s*(?:[-*+•–—>‣]|\(?\d{1,3}[.):]|\(?[a-zA-Z][.)]|#{1,6}\s|\|)")
_NO_PROSE = re.compile(
    r"https?://\S+$|www\.\S+$|\S+@\S+$|#\w+$|^\s*[*_]{1,3}[^*_]+[*_]{1,3}\s*$|^\s*[-–—―~]\s*\S|\|\s*$|[=<>{}\\^]|\d\s*$"
    r"|[\"”»']\s*[-–—―~]\s*[^!?]{2,60}$"
)
"""Last lines that need no full stop: links, hashtags, headings, signatures, table rows, formulas, who was quoted."""

# Words that end no sentence: determiners, conjunctions, and prepositions that stand before their noun.
_STRONG_WORDS = {
    "en": "the a an and or but nor whose because although such very your my our their its during including",
    "de": "der die das ein eine einen einem einer dem den des und oder aber weil dass mit ohne für von zum zur im "
    "bei nach sich wenn durch vom beim sowie",
    "es": "el la los las un una unos unas y o pero que de del al a con sin para por en su sus porque como",
    "fr": "le la les un une des et ou mais que qui de du au aux avec sans pour par en dans cette ses très",
}
_STRONG = {language: frozenset(words.split()) for language, words in _STRONG_WORDS.items()}

# What tells the languages apart; "die" ends no German sentence, and many an English one.
_TELLING_WORDS = {
    "en": "the is are was of to and that you it in for with this be not have your can i",
    "de": "und ist nicht das es ich wir sie zu mit für auf der den ein eine dann wird sind",
    "es": "que los las la una por para el es se no lo más con del está puede su y un en",
    "fr": "est les des une que dans pour pas vous nous je il elle sur ce avec votre plus",
}
_UNMISTAKABLE_WORDS = {
    "de": "und oder weil dass dem einen einem einer eine für zum zur vom beim sowie",
    "es": "y los las unos unas del pero para porque sus",
    "fr": "et les une des mais dans cette aux avec",
}
_UNMISTAKABLE = {language: frozenset(words.split()) for language, words in _UNMISTAKABLE_WORDS.items()}
"""Last words that tell the language by themselves."""

_TELLING = {language: frozenset(words.split()) for language, words in _TELLING_WORDS.items()}

_STRANDED = frozenset(
    ["of", "from", "to", "with", "for", "at", "into", "onto", "upon", "between", "among", "which", "is", "are", "was"]
)
"""Words that end a relative clause ("a club that all are members of"), and hardly a statement without one."""

_PARTICLES = frozenset(["in", "on", "by", "while"])
"""Words that may end any sentence ("turn it on", "for a while"), but are rarely its end."""

_SENTENCE_END = re.compile(r"(?<=\w{2}[.!?])\s+(?=[^a-z\s])|(?<=[.!?][\"”')])\s+")
_RELATIVE = re.compile(r"\b(?:what|who|whom|which|where|how|why|that|whatever|whoever)\b", re.IGNORECASE)
_LETTER_NAMED = re.compile(
    r"(?:is|be|answer|option|choice|letter|grade|vitamin|type|class|group)\W+a\W*$", re.IGNORECASE
)
_ITEM_WORDS = 6

_FEWEST_WORDS = 3
_PROSE_WORDS = 8


def structural_cut(text: str) -> Ending | None:
    """JSON or a code block that stays open; None when there is neither, or both are closed."""
    stripped = text.strip()
    fences = list(_FENCE.finditer(stripped)) if "```" in stripped or "~~~" in stripped else []
    if len(fences) % 2 == 1 and fences[-1].group(2).strip() == "" and len(fences) > 1:
        return None  # blocks within blocks; nothing certain
    if len(fences) % 2 == 1:
        return Ending("code", "the code block that it opens stays open", 0.9)
    if re.match(r"(?i)<!doctype html|<html", stripped) and "</html" not in stripped.lower():
        return Ending("code", "the page of HTML that it begins stays open", 0.9)
    if stripped[:1] in ("{", "[") and not fences and _looks_like_json(stripped) and _is_open(stripped):
        return Ending("json", "the JSON that it begins stays open", 0.95)
    return None


def weak_ending(text: str, others_finish: bool = False) -> Ending | None:
    """Prose whose last word cannot end a sentence, or that stops after a comma or within a word.

    others_finish  whether the answers beside it end their sentences, so that a missing full stop says something
    """
    line = _last_line(text)
    words = re.findall(r"[\w'’-]+", line)
    if len(words) < _FEWEST_WORDS or _is_code_like(text, line):
        return None
    if re.search(r"[,–—(]\s*$", line) and len(words) >= _PROSE_WORDS and "\n" not in text.strip()[-len(line) - 1 :]:
        return Ending("word", "stops after a comma", 0.8)
    if re.search(r"\w\W*\s[\"“«(\[]$", line):
        return Ending("word", "stops after an opening quote or bracket", 0.9)
    if re.search(r"\w\s*$", line) is None or (_LIST_ITEM.match(line) and len(words) < _PROSE_WORDS):
        return None
    last, finishing = words[-1], others_finish or _ends_sentences(text)
    language = _language(line)
    if last in _STRONG.get(language, frozenset()) and not _LETTER_NAMED.search(line):
        return Ending("word", f"stops after '{last}'", 0.9)
    if language != "en":
        return None
    if last in _STRANDED and (finishing or (len(words) >= 6 and not _RELATIVE.search(line))):
        return Ending("word", f"stops after '{last}'", 0.8)
    if last in _PARTICLES and finishing and len(words) >= 6:
        return Ending("word", f"stops after '{last}'", 0.7)
    return None


def list_ending(text: str) -> Ending | None:
    """A list whose last item is a bare number, or has no full stop where all others have one.

    Items of a few words count where there are four and more of them.
    """
    last = _last_line(text)
    bare = re.fullmatch(r"(\d{1,3})[.):]?", last)
    if bare is not None and re.search(rf"(?m)^\s*{int(bare.group(1)) - 1}[.):]\s+\S+ \S+", text):
        return Ending("list", "the last item of a list has a number and no text", 0.9)
    items = [line for line in text.strip().splitlines() if _LIST_ITEM.match(line) and "|" not in line]
    others = items[:-1]
    if not others or items[-1].strip() != last or is_finished(last) or _NO_PROSE.search(last):
        return None
    typical, own = sum(len(item.split()) for item in others) / len(others), len(last.split())
    enough = max(typical, own) if len(others) >= 3 else min(typical, own)
    if not all(map(is_finished, others)) or enough < _PROSE_WORDS:
        return None
    return Ending("list", "the last item of a list stops without a full stop, and all others have one", 0.8)


def style_ending(text: str) -> Ending | None:
    """A text whose own style shows that its end is missing.

    Its last line ends no sentence, where three and more lines of prose before it do; or the last words of its
    last line are no sentence, where two and more sentences of some length stand before them.
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if not last or is_finished(last) or _NO_PROSE.search(last) or _is_code_like(text, last):
        return None
    *before, tail = _SENTENCE_END.split(last)
    prose = [line for line in lines[:-1] if len(line.split()) >= _PROSE_WORDS and not is_code_line(line)]
    by_lines = len(prose) >= 3 and all(map(is_finished, prose)) and len(last.split()) >= 4
    by_sentences = sum(len(sentence.split()) >= 6 for sentence in before) >= 2 and len(tail.split()) >= 3
    if not (by_lines or by_sentences) or _is_enumeration(tail) or _is_title(tail):
        return None
    return Ending("sentence", "stops without the end of its sentence, where it ends all others", 0.8)


def ends_in_prose(text: str) -> bool:
    """Whether the last line is a sentence of eight words and more, in a script with full stops."""
    line = _last_line(text)
    if len(re.findall(r"\w+", line)) < _PROSE_WORDS or _LIST_ITEM.match(line) or _is_code_like(text, line):
        return False
    if text.strip()[:1] in "{[<":
        return False
    if _NO_PROSE.search(line) or _is_enumeration(line) or _is_title(line):
        return False
    before = [previous for previous in text.strip()[: -len(line)].splitlines() if previous.strip()][-5:]
    return len(before) < 2 or sum(map(is_finished, before)) * 2 >= len(before)


def is_finished(text: str) -> bool:
    return _TERMINAL.search(text.rstrip()) is not None


def _last_line(text: str) -> str:
    stripped = text.strip()
    return stripped[stripped.rfind("\n") + 1 :].strip()


def _ends_sentences(text: str) -> bool:
    """Whether an earlier sentence of the text ends in a full stop."""
    return re.search(r"\w{3,}[.!?]\s+\S", text) is not None


def _language(line: str) -> str:
    """The language whose common words the line has most of; English where it has none, "" for one not judged."""
    words = re.findall(r"\w+", line.casefold())
    counts = {language: sum(word in telling for word in words) for language, telling in _TELLING.items()}
    best = max(counts, key=counts.__getitem__)
    if counts[best] >= 2:
        return "" if best == "en" and language_of(line) == OTHER else best
    last = words[-1] if words else ""
    return next((language for language, sure in _UNMISTAKABLE.items() if last in sure), "en")


def _is_enumeration(line: str) -> bool:
    """Whether a line is a list of short items, with or without a name before each, rather than a sentence."""
    items = [re.sub(r"^\s*[\w ]{1,30}:\s", "", item) for item in re.split(r"[,;|•·/]", line)]
    return len(items) >= 3 and bool(items[-1].strip()) and all(len(item.split()) <= _ITEM_WORDS for item in items)


def _is_title(line: str) -> bool:
    words = re.findall(r"[^\W_]+", line)
    return sum(not word[0].islower() for word in words) >= 0.6 * len(words)


def _is_code_like(text: str, line: str) -> bool:
    return bool(_FENCE.search(text) and text.strip().endswith(("```", "~~~"))) or is_code_line(line)


def _looks_like_json(text: str) -> bool:
    return re.match(r'\{\s*(?:"|$|\})|\[\s*(?:["{\[\d-]|true|false|null|$)', text) is not None


def _is_open(text: str) -> bool:
    """Whether the text is a beginning of JSON: no bracket closes what is not open, and some stay open."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        pass
    else:
        return False
    depth: list[str] = []
    inside = escaped = False
    for sign in text:
        if inside:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == '"':
                inside = False
        elif sign == '"':
            inside = True
        elif sign in "{[":
            depth.append(sign)
        elif sign in "}]":
            if not depth or depth.pop() != {"}": "{", "]": "["}[sign]:
                return False
            if not depth:
                return False  # the first value is complete, and text goes on after it
    return bool(depth) or inside
