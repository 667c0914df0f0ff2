"""Digits of any script, and the spaces and hyphens that typographers put into numbers."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from ..cues import Cues

_OTHER_DIGIT = re.compile(r"[^\D0-9]|[！-～\u00a0\u2007\u202f\u2010-\u2015\u2212]")
"""Digits of other scripts, full-width signs, typographic spaces and hyphens."""

_ZEROS = (
    "\u0660\u06f0\u07c0\u0966\u09e6\u0a66\u0ae6\u0b66\u0be6\u0c66\u0ce6\u0d66\u0e50\u0ed0\u0f20\u1040\u17e0\u1810\uff10"
)
"""Of Arabic, Persian, N'Ko, Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada, Malayalam, Thai,
Lao, Tibetan, Burmese, Khmer, Mongolian; and of full width."""


def _to_nine(zero: str) -> bytes:
    first = zero.encode()
    return first[:-1] + b"[" + first[-1:] + b"-" + chr(ord(zero) + 9).encode()[-1:] + b"]"


_FULL_WIDTH = b"\xef[\xbc-\xbd][\x80-\xbf]"

OTHER_DIGITS = Cues(
    raw=(
        *map(_to_nine, _ZEROS),
        5 * _FULL_WIDTH,
        *(space.encode() + b"[0-9]" for space in "\u00a0\u2007\u202f\u2212"),
        b"\xe2\x80[\x90-\x95][0-9]",
    )
)
"""Of these one stands in every text that may hold a value which only `in_ascii` brings to light."""


def in_ascii(text: str) -> str:
    """The same number of characters, with digits, hyphens and spaces of other scripts as those of ASCII."""
    if text.isascii():
        return text
    return _OTHER_DIGIT.sub(lambda match: _ascii_of(match.group()), text)


@lru_cache(maxsize=1024)
def _ascii_of(character: str) -> str:
    if "！" <= character <= "～":
        return chr(ord(character) - 0xFEE0)
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return " " if character in "\u00a0\u2007\u202f" else "-"
