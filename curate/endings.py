"""How a text ends: finished, or cut off in a sentence, a JSON value or a code block."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

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
    r"https?://\S+$|www\.\S+$|\S+@\S+$|#\w+$|^\s*[*_]{1,3}[^*_]+[*_]{1,3}\s*$|^\s*[-–—~]\s*\S|\|\s*$|[=<>{}\\^]|\d\s*$"
    r"|[\"”»']\s*[-–—~]\s*[^!?]{2,60}$"
)
"""Last lines that need no full stop: links, hashtags, headings, signatures, table rows, formulas, who was quoted."""

# Words that end no sentence.
_STRONG_WORDS = {
    "en": "the a an and or but nor of from into onto upon between among which whose because although while such "
    "very your my our their its during including",
    "de": "der die das ein eine einen einem einer und oder aber weil dass mit ohne für von zum zur im bei nach sich "
    "wenn durch",
    "es": "el la los las un una unos unas y o pero que de del al a con sin para por en su sus porque como",
    "fr": "le la les un une des et ou mais que qui de du au aux avec sans pour par en dans cette ses très",
}
_STRONG = frozenset(word for words in _STRONG_WORDS.values() for word in words.split())

# Words that end a question or a subordinate clause, but hardly a long statement.
_WEAK = frozenset(["to", "with", "for", "is", "are", "was", "in", "at", "by", "on"])

_FEWEST_WORDS = 3
_PROSE_WORDS = 8


def structural_cut(text: str) -> Ending | None:
    """JSON or a code block that stays open; None when there is neither, or both are closed."""
    stripped = text.strip()
    fences = list(_FENCE.finditer(stripped))
    if len(fences) % 2 == 1 and fences[-1].group(2).strip() == "" and len(fences) > 1:
        return None  # blocks within blocks; nothing certain
    if len(fences) % 2 == 1:
        return Ending("code", "the code block that it opens stays open", 0.9)
    if re.match(r"(?i)<!doctype html|<html", stripped) and "</html" not in stripped.lower():
        return Ending("code", "the page of HTML that it begins stays open", 0.9)
    if stripped[:1] in ("{", "[") and not fences and _looks_like_json(stripped) and _is_open(stripped):
        return Ending("json", "the JSON that it begins stays open", 0.95)
    return None


def weak_ending(text: str) -> Ending | None:
    """Prose whose last word cannot end a sentence, or that stops after a comma or within a word."""
    line = _last_line(text)
    words = re.findall(r"[\w'’-]+", line)
    if len(words) < _FEWEST_WORDS or _is_code_like(text, line):
        return None
    if re.search(r"[,–—(]\s*$", line) and len(words) >= _PROSE_WORDS and "\n" not in text.strip()[-len(line) - 1 :]:
        return Ending("word", "stops after a comma", 0.8)
    if re.search(r"\w\s*$", line) is None or (_LIST_ITEM.match(line) and len(words) < _PROSE_WORDS):
        return None
    last = words[-1]
    if last in _STRONG or (last in _WEAK and _is_long_statement(line, words)):
        return Ending("word", f"stops after '{last}'", 0.9)
    return None


def list_ending(text: str) -> Ending | None:
    """A list whose last item stops without a full stop, where all the others (three or more) have one."""
    items = [line for line in text.strip().splitlines() if _LIST_ITEM.match(line) and "|" not in line]
    last = _last_line(text)
    if len(items) < 4 or items[-1].strip() != last or len(last.split()) < _PROSE_WORDS or is_finished(last):
        return None
    if _NO_PROSE.search(last) or not all(map(is_finished, items[:-1])):
        return None
    return Ending("list", "the last item of a list stops without a full stop, and all others have one", 0.8)


def ends_in_prose(text: str) -> bool:
    """Whether the last line is a sentence of eight words and more, in a script with full stops."""
    line = _last_line(text)
    if len(re.findall(r"\w+", line)) < _PROSE_WORDS or _LIST_ITEM.match(line) or _is_code_like(text, line):
        return False
    if text.strip()[:1] in "{[<":
        return False
    if _NO_PROSE.search(line):
        return False
    before = [previous for previous in text.strip()[: -len(line)].splitlines() if previous.strip()][-5:]
    return len(before) < 2 or sum(map(is_finished, before)) * 2 >= len(before)


def is_finished(text: str) -> bool:
    return _TERMINAL.search(text.rstrip()) is not None


def _last_line(text: str) -> str:
    stripped = text.strip()
    return stripped[stripped.rfind("\n") + 1 :].strip()


def _is_long_statement(line: str, words: list[str]) -> bool:
    question = re.match(r"(?i)\s*(?:what|who|which|where|how|why|that|it)\b", line) is not None
    return len(words) >= 6 and not question


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
