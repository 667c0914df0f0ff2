"""Characters that nobody sees: white space, byte-order marks, zero-width characters."""

from __future__ import annotations

INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00a0"
"""Byte-order mark, zero-width characters and the no-break space: at the ends of a text they mean nothing."""


def visible(text: str) -> str:
    """The text without white space and invisible characters at its ends."""
    before = None
    while before != text:
        before, text = text, text.strip().strip(INVISIBLE)
    return text
