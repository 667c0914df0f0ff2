"""Numbers with their units, in digits or words, in a form that can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .dates import without_dates
from .number import Number as Number
from .number import same_number as same_number
from .numerals import HAN, SCALES, WORD_SCALES, WORDS, han, readings, spoken, with_ascii_digits
from .units import CJK_UNITS, COMPOUNDS, UNITS, Unit, unit_of

_DIGITS = re.compile(
    r"(?<![a-zA-Z\d\u00c0-\u024f.,/:^_\\-])(?P<sign>[-−])?(?:(?P<currency>us\$|[$€£¥₹])\s?)?"
    r"(?P<value>\d{1,3}(?:[ ’'\u00a0\u202f]\d{3}(?!\d))+(?:[.,]\d+)?|\d+(?:[.,]\d+)*)"
    rf"(?!/\d|:\d|\d)(?P<han>[{HAN}][\d{HAN}]*)?",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"(?<![\w/.])(\d{1,3})/(\d{1,3})(?![\w/])|[½¼¾⅓⅔]")
_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
_HAN_NUMBER = re.compile(rf"[{HAN}]+")
_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN_WORDS = re.compile(r"[\s-]+(?:and\s+|und\s+|y\s+|و)?|\s+و")
_NEXT = re.compile(
    r"[\s\u00a0\u202f]{0,2}-?(?P<unit>us\$|[%٪€$£¥₹°℃]\s?[cf]?\b|[%٪€$£¥₹°℃]|[^\W\d_]+[²/]?[a-z]?)", re.I
)
_RANGE = re.compile(r"\s?(?:-|–|—|~|〜|～|to|bis|hasta|a|から|到|至|إلى)\s?\Z", re.IGNORECASE)
_AND_RANGE = re.compile(r"\s(?:and|und|y|و)\s?\Z")
_BETWEEN = re.compile(r"(?:between|zwischen|entre|بين)\s+\Z", re.IGNORECASE)
_HALVES = re.compile(
    r"\b(?:half|(?:one|a|two) thirds?|(?:one|a|three) quarters?|hälfte|mitad|نصف)\b|一半|半分", re.IGNORECASE
)
_PARTS = {"two third": 2 / 3, "third": 1 / 3, "three quarter": 3 / 4, "quarter": 1 / 4}
_HALF_A_UNIT = re.compile(r"\s+(?:an?\s+)?(?=[a-z])", re.IGNORECASE)
_AND_A_HALF = re.compile(r"\s+and\s+a\s+\Z")
_OUT_OF = re.compile(r"\s+(?:out of|von|de cada)\s+(?:every\s+)?\Z")

_BEFORE_UNITS = frozenset(
    [
        "working",
        "business",
        "calendar",
        "full",
        "whole",
        "more",
        "other",
        "different",
        "additional",
        "consecutive",
        "short",
        "long",
        "u.s",
        "us",
        "american",
        "australian",
        "canadian",
        "metric",
        "square",
        "cubic",
    ]
)
"""Words between a number and its unit: "5 working days"."""

_NO_UNITS = frozenset(
    [
        "or",
        "and",
        "to",
        "in",
        "of",
        "is",
        "are",
        "was",
        "were",
        "on",
        "at",
        "for",
        "from",
        "by",
        "with",
        "as",
        "times",
        "per",
        "than",
        "but",
        "the",
        "that",
        "which",
        "so",
        "if",
        "when",
        "und",
        "oder",
        "bis",
        "von",
        "im",
        "am",
        "ist",
        "sind",
        "für",
        "mit",
        "auf",
        "aus",
        "als",
        "pro",
        "y",
        "o",
        "de",
        "del",
        "en",
        "es",
        "son",
        "por",
        "para",
        "con",
        "a",
        "al",
        "que",
        "se",
        "out",
        "will",
        "can",
        "has",
        "have",
        "had",
        "each",
        "every",
        "who",
    ]
)
_PRONOUNS = frozenset(["one", "uno", "eins", "واحد", "واحدة", "m", "k"])
"""Words that are more often something else than a number."""

_LONGEST = 20_000


@lru_cache(maxsize=4096)
def numbers(text: str, language: str = "en") -> tuple[Number, ...]:
    """Every number with its unit, in the order of the text; dates are left out."""
    plain = with_ascii_digits(without_dates(text[:_LONGEST], language))
    found = sorted(_found(plain, language), key=lambda number: (number.start, -number.end))
    kept: list[Number] = []
    for number in found:
        if not kept or number.start >= kept[-1].end:
            kept.append(number)
    return tuple(_with_ranges(kept, plain))


def _found(text: str, language: str) -> Iterator[Number]:
    yield from _in_digits(text, language)
    yield from _fractions(text)
    if language in ("zh", "ja"):
        yield from _in_han(text)
    elif language != "ar" or _WORD.search(text):
        yield from _in_words(text)


def _in_digits(text: str, language: str) -> Iterator[Number]:
    for match in _DIGITS.finditer(text):
        digits, end = match["value"], match.end()
        values = readings(digits, language)
        tail = re.search(r"[.,](\d+)$", digits)
        whole = bool(values) and all(value.is_integer() for value in values)
        step = 10.0 ** -len(tail.group(1)) if tail and not (whole and len(tail.group(1)) == 3) else 1.0
        if match["han"]:
            value = han(digits + match["han"])
            if value is None:
                continue
            values, step = frozenset({value}), 1.0
        else:
            scale = re.match(r"[\s-]?([^\W\d_]+)\b\.?", text[end : end + 14])
            if scale is not None and (word := scale.group(1).casefold()) in SCALES and _scales(word, match["currency"]):
                size = SCALES[word]
                values, step = frozenset(value * size for value in values), step * size
                end += scale.end()
        if match["sign"]:
            values = frozenset(-value for value in values)
        if values:
            yield _number(values, step, match["currency"], match.start(), end, text)


def _scales(word: str, currency: str | None) -> bool:
    """Whether a word after digits multiplies them: "m" does so after a currency only, where it is no metre."""
    return word in WORD_SCALES or word in ("k", "bn", "mio", "mrd", "mn") or (word == "m" and currency is not None)


def _fractions(text: str) -> Iterator[Number]:
    for match in _FRACTION.finditer(text):
        if match.group(1):
            above, below = int(match.group(1)), int(match.group(2))
            if not 0 < above < below <= 16:
                continue
            value = above / below
        else:
            value = _SIGNS[match.group()]
        yield _number(frozenset({value}), 1e-9, None, match.start(), match.end(), text)
    for match in _HALVES.finditer(text):
        word = match.group().casefold()
        value = next((share for name, share in _PARTS.items() if name in word), 0.5)
        unit = _HALF_A_UNIT.match(text, match.end())
        following = _WORD.match(text, unit.end()) if unit else None
        known = unit_of(following.group().casefold()) if following else None
        if known is not None and following is not None:
            size = known.size
            yield Number(
                frozenset({value * size}),
                None,
                known.dimension,
                1e-9,
                size,
                text[match.start() : following.end()],
                match.start(),
                following.end(),
            )
        else:
            yield Number(frozenset({value * 100}), None, "share", 1e-9, 1.0, match.group(), match.start(), match.end())


def _in_han(text: str) -> Iterator[Number]:
    for match in _HAN_NUMBER.finditer(text):
        if match.start() and text[match.start() - 1].isdigit():
            continue
        value = han(match.group())
        if value is None:
            continue
        number = _number(frozenset({value}), 1.0, None, match.start(), match.end(), text)
        if number.dimension == "count" and value == 1:
            continue  # 一个 is more often an article
        if len(match.group()) > 1 or number.dimension in _KNOWN_DIMENSIONS:
            yield number


def _in_words(text: str) -> Iterator[Number]:
    position = 0
    while (match := _WORD.search(text, position)) is not None:
        position = match.end()
        word = match.group().casefold()
        if not _is_number_word(word) or word in ("m", "k"):
            continue
        start, end = match.span()
        while (gap := _BETWEEN_WORDS.match(text, end)) is not None:
            following = _WORD.match(text, gap.end())
            if following is None or not _is_number_word(following.group().casefold()):
                break
            end = following.end()
        position = end
        value = spoken(text[start:end])
        if value is None or (start and text[start - 1].isdigit()):
            continue
        number = _number(frozenset({value}), 1.0, None, start, end, text)
        if text[start:end].casefold() not in _PRONOUNS or number.dimension in _KNOWN_DIMENSIONS:
            yield number


@lru_cache(maxsize=1 << 15)
def _is_number_word(word: str) -> bool:
    if word in WORDS or word in WORD_SCALES:
        return word not in ("million", "millionen", "hundred", "thousand", "hundert", "tausend", "mil") or word == "mil"
    return len(word) > 6 and ("hundert" in word or "tausend" in word) and spoken(word) is not None


_KNOWN_DIMENSIONS = frozenset(unit.dimension for unit in UNITS.values())


def _number(values: frozenset[float], step: float, currency: str | None, start: int, end: int, text: str) -> Number:
    unit, name, stop = _unit(currency, end, text)
    if unit is None:
        return Number(values, None, name, step, 1.0, text[start:stop].strip(" -"), start, stop)
    values = frozenset(value * unit.size + unit.offset for value in values)
    return Number(values, None, unit.dimension, step * unit.size, unit.size, text[start:stop].strip(), start, stop)


def _unit(currency: str | None, end: int, text: str) -> tuple[Unit | None, str, int]:
    """The unit of the number that ends at `end`; its name, where it is no known one; and where it ends."""
    if currency:
        return UNITS[currency.lower()], "", end
    if end < len(text) and (
        text[end] > "\u2e7f" or (text[end : end + 1] == " " and text[end + 1 : end + 2] > "\u2e7f")
    ):
        return _cjk_unit(text, end + (text[end] == " "))
    match = _NEXT.match(text, end)
    if match is None:
        return None, "", end
    ahead = text[match.start("unit") : match.start("unit") + 24].lower()
    for phrase, name in COMPOUNDS.items():
        if ahead.startswith(phrase):
            return UNITS.get(name), name, match.start("unit") + len(phrase)
    word = match["unit"].lower().replace(" ", "")
    if word in _NO_UNITS:
        return None, "", end
    stop = match.end()
    if word in _BEFORE_UNITS and (following := _WORD.match(text, stop + 1)) is not None:
        word, stop = following.group().lower(), following.end()
    unit = unit_of(word) or unit_of(word.rstrip("/²abcdefghijklmnopqrstuvwxyz") or word)
    if unit is None and word.endswith("/"):
        unit = unit_of(word[:-1])
    if unit is not None:
        return unit, "", stop
    return None, word.removesuffix("s"), stop


def _cjk_unit(text: str, start: int) -> tuple[Unit | None, str, int]:
    ahead = text[start : start + 9]
    for name in CJK_UNITS:
        if ahead.startswith(name):
            return UNITS[name], "", start + len(name)
    if not ahead[:1].isalpha():
        return None, "", start
    return None, ahead[:1], start + 1


def _with_ranges(found: list[Number], text: str) -> Iterator[Number]:
    """Joins "5 to 10 km" and "between 5 and 10 km" into one range, and "3 out of 4" into a share."""
    index = 0
    while index < len(found):
        number = found[index]
        following = found[index + 1] if index + 1 < len(found) else None
        if following is not None and following.start - number.end <= 14:
            gap = text[number.end : following.start]
            if _OUT_OF.match(gap) and max(following.values) >= max(number.values) > 0:
                share = 100 * max(number.values) / max(following.values)
                written = text[number.start : following.end]
                yield Number(frozenset({share}), None, "share", 1e-9, 1.0, written, number.start, following.end)
                index += 2
                continue
            if _AND_A_HALF.match(gap) and following.text.casefold().startswith("half") and not number.dimension:
                half = min(following.values) if following.dimension != "share" else 0.5
                total = min(number.values) * 2 * half + half
                named = following.dimension if following.dimension != "share" else ""
                yield following._replace(values=frozenset({total}), dimension=named, start=number.start)
                index += 2
                continue
            is_range = _RANGE.match(gap) or (_AND_RANGE.match(gap) and _BETWEEN.search(text[: number.start][-12:]))
            if is_range and number.dimension in ("", following.dimension):
                low = min(number.values) * (following.size if not number.dimension else 1.0)
                if low < max(following.values):
                    written = text[number.start : following.end]
                    yield following._replace(
                        values=frozenset({low}),
                        high=max(following.values),
                        text=written,
                        start=number.start,
                    )
                    index += 2
                    continue
        yield number
        index += 1
