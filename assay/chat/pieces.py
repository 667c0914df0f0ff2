"""A rendering cut at its contents, so that other contents can be written into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import NamedTuple

from assay.chat_templates.stand_ins import PATTERN

Written = tuple[Callable[[str], str], ...]
"""The encodings that a text has gone through where it is written."""


def _json(text: str) -> str:
    return encode_basestring(text)[1:-1]


def _json_ascii(text: str) -> str:
    return encode_basestring_ascii(text)[1:-1]


WAYS: tuple[Written, ...] = ((), (_json,), (_json_ascii,), (_json, _json), (_json_ascii, _json_ascii))


def written_as(text: str, written: Written) -> str:
    for encode in written:
        text = encode(text)
    return text


class Piece(NamedTuple):
    """A content where it is written."""

    content: int
    written: Written


class Prefix(NamedTuple):
    """A rendering that is the beginning of another: through so many contents of it, and characters after them."""

    contents: int
    characters: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """A rendering cut at its contents: literal, content, literal, ..., literal. spans as the template marked them.

    contents  positions among the texts that a skeleton makes of a record's contents
    """

    literals: tuple[str, ...]
    contents: tuple[int, ...]
    spans: tuple[tuple[Prefix, Prefix], ...]

    def parts(self, texts: Sequence[str]) -> list[str]:
        """What stands one after another: literals and texts in turn."""
        parts = [""] * (2 * len(self.contents) + 1)
        parts[::2] = self.literals
        parts[1::2] = [texts[content] for content in self.contents]
        return parts

    def begins(self, other: Pieces) -> Prefix | None:
        """How far the other goes, where it begins with this one whatever the contents are."""
        count = len(self.contents)
        same = other.contents[:count] == self.contents and other.literals[:count] == self.literals[:count]
        if not same or not other.literals[count].startswith(self.literals[count]):
            return None
        return Prefix(count, len(self.literals[count]))


def place(text: str, at: int) -> Prefix | None:
    """The beginning of a text with stand-ins through a character; None within a stand-in."""
    count = end = 0
    for match in PATTERN.finditer(text):
        if match.start() < at < match.end():
            return None
        if match.end() > at:
            break
        count, end = count + 1, match.end()
    return Prefix(count, at - end)
