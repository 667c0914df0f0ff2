"""Pieces of a secret or of personal data, where a quotation was cut in the middle of one.

A whole value is known by its shape; a piece has none, and is found by comparison with the values of the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

FRAGMENT = 8
"""This many characters of a value in a row are a part of it, wherever they stand."""

AT_A_CUT = 4
"""So many are, where a quotation begins or ends with them."""

_CUT = re.compile(r"['\"»«”“’‘…\n]|\.\.\.|: |\Z")
"""What ends a quotation, or begins one."""


def without_pieces(text: str, values: Sequence[str]) -> str:
    """The text with stars over pieces of the values, in any case."""
    hidden = list(text)
    folded = _folded(text)
    for value in map(_folded, values):
        for start, end in _pieces(folded, value):
            hidden[start:end] = "*" * (end - start)
    return "".join(hidden)


def _folded(text: str) -> str:
    """In lower case, as long as before."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text


def _pieces(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Characters [start, end) of the text that are a piece of the value."""
    width = min(FRAGMENT, len(value))
    grams = {value[start : start + width] for start in range(len(value) - width + 1)} if width else set()
    for start in range(len(text) - width + 1):
        if text[start : start + width] in grams:
            yield start, start + width
    begin = 0
    for cut in _CUT.finditer(text):
        quoted = text[begin : cut.start()]
        if AT_A_CUT <= len(quoted) <= len(value) and quoted in value:
            yield begin, cut.start()
        for size in range(min(len(value), len(quoted)), AT_A_CUT - 1, -1):
            if quoted.endswith(value[:size]):
                yield cut.start() - size, cut.start()
                break
        for size in range(min(len(value), len(quoted)), AT_A_CUT - 1, -1):
            if quoted.startswith(value[-size:]):
                yield begin, begin + size
                break
        begin = cut.end()
