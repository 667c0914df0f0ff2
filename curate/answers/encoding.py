"""Text that was decoded with the wrong encoding, and what it was before.

The repair is ftfy's (Robyn Speer, 2019, doi 10.5281/zenodo.2591652), line by line: a line changes where its characters,
written back in one of ten encodings, are UTF-8, and look worse as they stand than decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

MAX_LINE = 10_000
"""Longer lines are repaired piece by piece; an offset within one is a matter of display."""

_CODE_PAGES = (
    "latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "iso-8859-2", "mac-roman", "cp437",
)  # fmt: skip
_BY_CP1252 = {code: bytes([code]).decode("cp1252") for code in (0x80, 0x85, *range(0x91, 0x98), 0x99)}
"""Punctuation of Windows-1252 that was read as Latin-1, where it is control characters; others may be of any origin."""

_LOST = re.compile("[\ud800-\udfff\ufffd\x80-\x9f]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ABOUT_ENCODING = re.compile(
    r"mojibake|encod(?:ing|e)|utf-?(?:8|16)|unicode|character sets?|charset|iso-8859|latin-?1\b|cp125"
    r"|windows-125|garbled|replacement character|surrogate|zeichensatz|kodierung|codificaci|encodage|文字化け|乱码|亂碼"
    r"|编码|編碼|кодировк|ترميز",
    re.IGNORECASE,
)


class Damage(NamedTuple):
    """Characters [start, end) of a text are damaged.

    kind    wrong_decoding, replacement_character, lone_surrogate or control_character
    after   what stood there, or None where that is lost
    """

    kind: str
    start: int
    end: int
    before: str
    after: str | None


def is_about_encoding(text: str) -> bool:
    """Whether a conversation is about encodings, so that damaged text may be shown on purpose."""
    return _ABOUT_ENCODING.search(text) is not None


def damages(text: str) -> Iterator[Damage]:
    """By lines, what can be repaired; then the first character of each kind that is lost. Cheap for sound text."""
    if text.isascii() or _suspicion(text) is None:
        return
    rest = []
    for start, line in _lines(text):
        repaired = _repaired_line(line)
        rest.append(repaired)
        if repaired != line:
            yield _difference(line, repaired, start)
    seen: set[str] = set()
    for start, line in zip((start for start, _ in _lines(text)), rest, strict=True):
        for match in _LOST.finditer(line):
            kind = _kind_of(match.group())
            if kind not in seen:
                seen.add(kind)
                near = line[max(0, match.start() - 20) : match.end() + 20]
                at = min(start + match.start(), len(text))
                yield Damage(kind, at, min(at + 1, len(text)), near, None)


def repaired(text: str) -> str:
    """The text as it was before it was decoded wrongly; the same text where it is sound, or nothing can be told."""
    if text.isascii() or _suspicion(text) is None:
        return text
    return "\n".join(
        "".join(_repaired_line(line[offset : offset + MAX_LINE]) for offset in range(0, len(line), MAX_LINE))
        for line in text.split("\n")
    )


def is_lost(text: str) -> bool:
    """Whether characters are missing that no repair brings back."""
    return not text.isascii() and _LOST.search(text) is not None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):  # not splitlines: U+0085 ends a line there, and is half a character here
        for offset in range(0, max(1, len(line)), MAX_LINE):
            yield start + offset, line[offset : offset + MAX_LINE]
        start += len(line) + 1


def _repaired_line(line: str) -> str:
    if line.isascii() or _suspicion(line) is None:
        return line
    line = _PAIR.sub(lambda pair: pair.group().encode("utf-16", "surrogatepass").decode("utf-16"), line)
    fixed = _by_ftfy(line).translate(_BY_CP1252)
    gained = len(_LOST.findall(fixed)) > len(_LOST.findall(line)) or len(_CONTROL.findall(fixed)) > len(
        _CONTROL.findall(line)
    )
    return line if gained else fixed.replace("\ufeff", "") if "ï»¿" in line else fixed


def _by_ftfy(line: str) -> str:
    import ftfy
    from ftfy.badness import is_bad

    config = ftfy.TextFixerConfig(replace_lossy_sequences=False, fix_c1_controls=False)
    try:
        fixed = ftfy.fix_encoding(line, config)
    except (UnicodeError, ValueError):
        return line  # lone surrogates among its characters
    return line if fixed != line and is_bad(fixed) else fixed  # half a repair is none


def _suspicion(text: str) -> re.Match[str] | None:
    """Where damaged text may be; the cheap pattern first, which most text with a few accents does not match."""
    return _suspect().search(text) if _pair().search(text) is not None else None


@cache
def _pair() -> re.Pattern[str]:
    """A character that the first byte of a sequence is in some code page, and one that a following byte is."""
    leading = "".join(_characters(page, range(0xC2, 0xF5)) for page in _CODE_PAGES)
    following = "".join(_characters(page, range(0x80, 0xC0)) for page in _CODE_PAGES)
    return re.compile(f"[{leading}][ {following}]|{_LOST.pattern}")


@cache
def _suspect() -> re.Pattern[str]:
    """A pattern that all damaged text matches, and little sound text: in one of the code pages the characters are a
    sequence of UTF-8's bytes."""
    alternatives = [_LOST.pattern]
    for page in _CODE_PAGES:
        following = _characters(page, range(0x80, 0xC0)) + (" " if page in ("latin-1", "cp1252") else "")
        two, three, four = (_characters(page, range(*ends)) for ends in ((0xC2, 0xE0), (0xE0, 0xF0), (0xF0, 0xF5)))
        strict = f"[{_characters(page, range(0x80, 0xC0))}]"
        alternatives += [f"[{two}][{following}]", f"[{three}]{strict}{{2}}", f"[{four}]{strict}{{3}}"]
    return re.compile("|".join(alternatives))


def _characters(page: str, codes: range) -> str:
    return re.escape(bytes(codes).decode(page, "ignore"))


def _kind_of(character: str) -> str:
    if character == "\ufffd":
        return "replacement_character"
    return "lone_surrogate" if "\ud800" <= character <= "\udfff" else "control_character"


def _difference(before: str, after: str, start: int) -> Damage:
    """The stretch that changed, from the first to the last difference."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return Damage(
        "wrong_decoding",
        start + head,
        start + len(before) - tail,
        before[head : len(before) - tail],
        after[head : len(after) - tail],
    )
