"""Finds personal data and secrets in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from .contacts import CONTACTS
from .digits import in_ascii
from .identity import IDENTITY
from .pattern import Found, Pattern, Shape
from .secrets import SECRETS
from .shapes import GATES, Window, windows
from .signs import EVERYTHING, bit_of
from .strings import prefix

PATTERNS: tuple[Pattern, ...] = (*SECRETS, *IDENTITY, *CONTACTS)

ENTITIES: tuple[str, ...] = tuple(dict.fromkeys(pattern.name for pattern in PATTERNS))
COUNTRIES: tuple[str, ...] = tuple(sorted({pattern.country for pattern in PATTERNS} - {""}))

LONGEST_NAME = 63
"""Characters before the literal in the name of a variable: three parts of 20, and what joins them."""

MOST = 1_000
"""Values of one text that are found; a text with more is a list of them, and the first thousand say so."""


def scan(text: str, patterns: Sequence[Pattern] = PATTERNS, signs: int = EVERYTHING) -> list[Found]:
    """What stands in the text, in order and without overlap. Linear in its length; positions are those of `text`.

    signs: bits of what may stand in the text, where that is known already (see signs.py)
    """
    plain = in_ascii(text)
    found: list[Found] = []
    for shape, wanted in (_of_all(signs) if patterns is PATTERNS else _by_shape(tuple(patterns), signs)).items():
        if shape == "token":
            found += _tokens(text, plain, wanted)
            continue
        places = list(windows(plain, shape))
        for pattern in wanted if places else ():
            own = [place for place in places if _opens(pattern, plain, place)]
            if own:
                found += _found(text, plain, pattern, _matches(plain, pattern, own))
    return _without_overlap(found)


def scan_under(key: str, text: str, patterns: Sequence[Pattern] = PATTERNS, signs: int = EVERYTHING) -> list[Found]:
    """What stands in a string of JSON, whose key may be the word that says what it is: {"ssn": "219458273"}."""
    before = prefix(key)
    if not before:
        return scan(text, patterns, signs)
    found = scan(before + text, patterns, signs)
    skip = len(before)
    return [item._replace(start=item.start - skip, end=item.end - skip) for item in found if item.start >= skip]


def _tokens(text: str, plain: str, patterns: Iterable[Pattern]) -> Iterator[Found]:
    """Secrets, wherever one of their literals stands in the text."""
    lowered = plain.lower()
    for pattern in patterns:
        if pattern.follows:
            yield from _found(text, plain, pattern, _labelled(plain, lowered, pattern))
        elif any(literal in plain or literal in lowered for literal in pattern.literals):
            yield from _found(text, plain, pattern, pattern.compiled.finditer(plain))


def _labelled(plain: str, lowered: str, pattern: Pattern) -> Iterator[re.Match[str]]:
    """Matches that begin with the word in which a literal stands that is followed by what has to follow."""
    done = 0
    for place, literal in _places(lowered if len(lowered) == len(plain) else plain, pattern.literals):
        if place < done or not pattern.following.match(plain, place + len(literal)):
            continue
        start = place
        while start > max(done, place - LONGEST_NAME) and _in_name(plain[start - 1]):
            start -= 1
        for begin in range(start, place + 1):
            match = pattern.compiled.match(plain, begin)
            if match is not None:
                done = match.end()
                yield match
                break


def _places(text: str, literals: Iterable[str]) -> list[tuple[int, str]]:
    """Where each of them stands, in order."""
    found: list[tuple[int, str]] = []
    for literal in literals:
        place = text.find(literal)
        while place >= 0:
            found.append((place, literal))
            place = text.find(literal, place + 1)
    return sorted(found)


def _in_name(character: str) -> bool:
    return character in "_-" or (character.isascii() and character.isalnum())


@lru_cache(maxsize=64)
def _by_shape(patterns: tuple[Pattern, ...], signs: int) -> Mapping[Shape, Sequence[Pattern]]:
    """Those that may match where these bits are set; tokens last."""
    groups: dict[Shape, list[Pattern]] = {shape: [] for shape in (*GATES, "token")}
    for pattern in patterns:
        if signs & bit_of(pattern):
            groups[pattern.shape].append(pattern)
    return {shape: tuple(group) for shape, group in groups.items() if group}


@lru_cache(maxsize=1024)
def _of_all(signs: int) -> Mapping[Shape, Sequence[Pattern]]:
    return _by_shape(PATTERNS, signs)


def _opens(pattern: Pattern, plain: str, place: Window) -> bool:
    first, last, digits = place
    return digits >= pattern.digits and pattern.compiled.search(plain, first, last) is not None


def _matches(plain: str, pattern: Pattern, places: Iterable[Window]) -> Iterator[re.Match[str]]:
    for first, last, _ in places:
        yield from pattern.compiled.finditer(plain, first, last)


def _found(text: str, plain: str, pattern: Pattern, matches: Iterable[re.Match[str]]) -> Iterator[Found]:
    """Those matches that are values, up to MOST."""
    count = 0
    for match in matches:
        start, end = pattern.span(match)
        if not pattern.accepts(plain, start, end):
            continue
        yield Found(pattern, start, end, text[start:end], pattern.is_fact(plain, start, end))
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
