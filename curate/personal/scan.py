"""Finds personal data and secrets in a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from .contacts import CONTACTS
from .identity import IDENTITY
from .pattern import Found, Pattern, Shape
from .secrets import SECRETS
from .shapes import ALL_SHAPES, Window, windows
from .strings import prefix

PATTERNS: tuple[Pattern, ...] = (*SECRETS, *IDENTITY, *CONTACTS)

ENTITIES: tuple[str, ...] = tuple(dict.fromkeys(pattern.name for pattern in PATTERNS))
COUNTRIES: tuple[str, ...] = tuple(sorted({pattern.country for pattern in PATTERNS} - {""}))

MOST = 1_000
"""Values of one text that are found; a text with more is a list of them, and the first thousand say so."""

_OTHER_DIGIT = re.compile(r"[^\D0-9]|[！-～\u00a0\u2007\u202f\u2010-\u2015\u2212]")
"""Digits of other scripts, full-width signs, and the spaces and hyphens that typographers put into numbers."""


def scan(text: str, patterns: Sequence[Pattern] = PATTERNS, shapes: Sequence[Shape] = ALL_SHAPES) -> list[Found]:
    """What stands in the text, in order and without overlap. Linear in its length; positions are those of `text`.

    shapes: those of which something stands in the text, where that is known already (see look.py)
    """
    plain = in_ascii(text)
    lowered: str | None = None
    found: list[Found] = []
    groups = _OF_ALL if patterns is PATTERNS else _by_shape(tuple(patterns))
    for shape in shapes:
        places = list(windows(plain, shape)) if shape in groups else []
        if not places:
            continue
        for pattern in groups[shape]:
            if pattern.literals:
                lowered = plain.lower() if lowered is None else lowered
                if not any(literal in plain or literal in lowered for literal in pattern.literals):
                    continue
            found += _matches(text, plain, pattern, places)
    return _without_overlap(found)


def scan_under(
    key: str, text: str, patterns: Sequence[Pattern] = PATTERNS, shapes: Sequence[Shape] = ALL_SHAPES
) -> list[Found]:
    """What stands in a string of JSON, whose key may be the word that says what it is: {"ssn": "219458273"}."""
    before = prefix(key)
    if not before:
        return scan(text, patterns, shapes)
    found = scan(before + text, patterns, shapes)
    skip = len(before)
    return [item._replace(start=item.start - skip, end=item.end - skip) for item in found if item.start >= skip]


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


@lru_cache(maxsize=64)
def _by_shape(patterns: tuple[Pattern, ...]) -> Mapping[Shape, tuple[Pattern, ...]]:
    groups: dict[Shape, list[Pattern]] = {}
    for pattern in patterns:
        groups.setdefault(pattern.shape, []).append(pattern)
    return {shape: tuple(group) for shape, group in groups.items()}


_OF_ALL = _by_shape(PATTERNS)


def _matches(text: str, plain: str, pattern: Pattern, places: Iterable[Window]) -> Iterator[Found]:
    named = [name for name in ("value", "bare") if name in pattern.compiled.groupindex]
    count = 0
    for first, last, digits in places:
        if digits < pattern.digits:
            continue
        for match in pattern.compiled.finditer(plain, first, last):
            group: str | int = next((name for name in named if match.group(name) is not None), 0)
            start, end = match.span(group)
            if not pattern.accepts(plain, start, end):
                continue
            value = plain[start:end]
            example = pattern.example is not None and pattern.example(value)
            yield Found(pattern, start, end, text[start:end], example)
            count += 1
            if count >= MOST:
                return


def _without_overlap(found: list[Found]) -> list[Found]:
    """The longer of two that overlap; of equally long ones the one that was found first."""
    if len(found) < 2:
        return found
    taken: list[Found] = []
    for item in sorted(found, key=lambda item: (item.start, item.start - item.end)):
        if taken and item.start < taken[-1].end:
            if item.end - item.start > taken[-1].end - taken[-1].start:
                taken[-1] = item
            continue
        taken.append(item)
    return taken


def entities_of(group: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern.name for pattern in PATTERNS if pattern.group == group))


def chosen(group: str, entities: Sequence[str] = (), countries: Sequence[str] = ()) -> tuple[Pattern, ...]:
    """The patterns of a group, of these entities and countries; those of no country always. () stands for all."""
    return _chosen(group, tuple(entities), tuple(country.upper() for country in countries))


@lru_cache(maxsize=64)
def _chosen(group: str, entities: tuple[str, ...], countries: tuple[str, ...]) -> tuple[Pattern, ...]:
    return tuple(
        pattern
        for pattern in PATTERNS
        if pattern.group == group
        and (not entities or pattern.name in entities)
        and (not countries or not pattern.country or pattern.country in countries)
    )
