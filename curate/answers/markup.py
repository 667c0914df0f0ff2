"""Parts of a text that are not prose: code, mathematics, links. Checks of prose blank them out first."""

from __future__ import annotations

import re

_FENCED = re.compile(r"(?ms)^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)")
_INLINE_CODE = re.compile(r"(`+)(?!`)[^\n]+?\1")
_MATH = re.compile(
    r"(?s)\$\$.*?\$\$|\\\[(?:(?!\\\[).)*?\\\]|\\\((?:(?!\\\().)*?\\\)"
    r"|\\begin\{(\w+\*?)\}(?:(?!\\begin\{\1\}).){0,20000}?\\end\{\1\}|\\[a-zA-Z]+(?:\{+[^{}]*\}+)+"
)
_LINK = re.compile(
    r"!?\[[^\[\]\n]*\](?:\([^)\n]{0,1000}\)|\[[^\[\]\n]*\])|^\[[^\[\]\n]+\]:\s.*$|https?://\S+", re.MULTILINE
)
"""Nothing is looked for beyond the next opening of its kind, so that a text of openings costs no more than others."""

_CODE_LINE = re.compile(
    r"^\s*(?:def |class |import |from \w+ import |return\b|for\s*\(|if\s*\(|while\s*\(|public |private |static "
    r"|const |let |var |function\b|#include|SELECT\b|INSERT\b|<[a-zA-Z!/][^>]*>|[})\]];?$"
    r"|\w[\w.\[\]]*\s*(?:=|\+=|:=)\s*\S|\w[\w.]*\(.*\)[;:]?\s*$|//|/\*)"
)
"""How a line begins that is code rather than prose."""


def blank_code(text: str) -> str:
    """Code blocks, inline code, mathematics and links replaced by spaces, so that offsets stay."""
    for pattern in (_FENCED, _INLINE_CODE, _MATH, _LINK):
        text = pattern.sub(lambda match: " " * len(match.group()), text)
    return text


def blank_code_blocks(text: str) -> str:
    """Code blocks and inline code replaced by spaces; mathematics and links stay."""
    for pattern in (_FENCED, _INLINE_CODE):
        text = pattern.sub(lambda match: " " * len(match.group()), text)
    return text


def open_fence(text: str) -> int | None:
    """Where a code block begins that nothing ends, or None."""
    last = max(_FENCED.finditer(text), key=re.Match.start, default=None)
    if last is None or last.end() < len(text):
        return None
    lines = last.group().rstrip().splitlines()
    return None if len(lines) > 1 and lines[-1].strip() == last[1] else last.start()


def looks_like_code(text: str) -> bool:
    """Whether a third of the lines, and at least two of them, begin as code does."""
    lines = [line for line in text.splitlines() if line.strip()]
    hits = sum(1 for line in lines if _CODE_LINE.match(line))
    return hits >= 2 and hits * 3 >= len(lines)


def is_code_line(line: str) -> bool:
    return _CODE_LINE.match(line) is not None
