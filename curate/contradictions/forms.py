"""The form of an answer: text, JSON, `Key: value` lines, or a label; and what makes two answers one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from assay.records import Json
from assay.text import normalize

LABEL_WORDS = 5
LONGEST_LABEL = 80
LONGEST_JSON = 200_000

_FENCE = re.compile(r"^```\w*\s*\n(.*)\n```$", re.DOTALL)
_MARKUP = re.compile(
    r"^\s*(?:[-*+•]|\d+[.)]|#+|>)\s+|[*`]{1,3}|(?<!\w)_{1,2}(?=\w)|(?<=\w)_{1,2}(?!\w)|\\boxed|[{}]", re.MULTILINE
)
_ARTICLE = re.compile(r"^(?:the|an?|der|die|das|el|la|los|las) ")
_LEAD = re.compile(
    r"^(?:(?:the )?(?:final |correct |best |right )?(?:answer|label|category|class|intent|topic|sentiment|result"
    r"|output)"
    r"(?: is| would be)?\s*:?|(?:it|this|that)(?: is|'s)|option)\s+(?=\S)",
    re.IGNORECASE,
)


def answer_key(answer: str) -> str:
    """Equal for answers that are the same but for case, punctuation, white space, or the order of JSON keys."""
    text = unfenced(answer)
    value = parsed(text)
    return normalize(text) if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def label_text(text: str) -> str:
    """A label without case, punctuation, markup and what introduces it.

    >>> label_text("**card_arrival**") == label_text("The intent is: card arrival.")
    True
    """
    plain = _LEAD.sub("", normalize(without_markup(text.strip()).replace("_", " ")))
    return _ARTICLE.sub("", plain)


@lru_cache(maxsize=1024)
def normal(text: str) -> str:
    """`normalize`, remembered: an answer is compared with several."""
    return normalize(text)


@lru_cache(maxsize=1024)
def without_markup(text: str) -> str:
    """Without the signs of Markdown, which carry no statement."""
    return _MARKUP.sub("", text) if any(sign in text for sign in "*_`#>-+•{}.)") else text


def is_short(text: str) -> bool:
    """Whether an answer is a label, a name or a number more than a statement; scripts without spaces by characters."""
    stripped = text.strip()
    if "\n" in stripped or len(stripped) > LONGEST_LABEL or len(stripped.split()) > LABEL_WORDS:
        return False
    return stripped.isascii() or sum(character > "\u2e7f" for character in stripped) <= 3 * LABEL_WORDS


def key_values(text: str) -> dict[str, str]:
    """{key: value} of an answer that consists of `Key: value` lines; {} for any other."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    found = [re.fullmatch(r"[-*\s]*([\w ]{1,30})[*_]*[:：][*_]*\s*(.{1,200})", line) for line in lines]
    if not lines or not all(found):
        return {}
    return {normalize(match.group(1)): match.group(2) for match in found if match is not None}


def unfenced(text: str) -> str:
    """The content of an answer that is one code block; any other as it stands, without the white space around it."""
    match = _FENCE.match(text.strip())
    return match.group(1).strip() if match else text.strip()


def parsed(text: str) -> Json | None:
    """The object or list that an answer is, or None."""
    if text[:1] not in ("{", "[") or text[-1:] not in ("}", "]") or len(text) > LONGEST_JSON:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Mapping | list) else None


def quote(text: str) -> str:
    """As evidence shows it."""
    return text if len(text) <= 120 else text[:117].rstrip() + "..."
