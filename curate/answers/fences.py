"""Fenced code blocks of Markdown (CommonMark 0.31, section 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^[ \t]*(?:>[ \t]*)?(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)


class Fence(NamedTuple):
    """language in lower case, "" where none is named; body is text[start:end]; closed says whether it has an end."""

    language: str
    body: str
    start: int
    end: int
    closed: bool


def fenced_blocks(text: str) -> Iterator[Fence]:
    """In order; cheap where there is no fence."""
    if "```" not in text and "~~~" not in text:
        return
    marker, language, start = "", "", 0
    for match in _FENCE.finditer(text):
        fence, info = match.group(1), match.group(2).strip()
        if not marker:
            marker, language, start = fence, _language(info), match.end() + 1
        elif fence.startswith(marker) and not info:
            yield Fence(language, text[start : match.start()], start, match.start(), closed=True)
            marker = ""
    if marker:
        yield Fence(language, text[start:], start, len(text), closed=False)


def _language(info: str) -> str:
    """The first word of an info string, as in "python title=a.py", "{.python .numberLines}" and "{python}"."""
    words = info.replace("{", " ").replace("}", " ").replace(",", " ").split()
    return words[0].lstrip(".").casefold() if words else ""
