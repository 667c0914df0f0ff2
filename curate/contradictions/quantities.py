"""Numbers with their units, in digits or English words, in a form that can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .dates import without_dates

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBER_WORDS: Mapping[str, int] = {
    **{word: value for value, word in enumerate(_SMALL.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), start=2)},
    "dozen": 12,
}
_SCALES = {"hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "k": 1e3, "bn": 1e9}

_DIMENSIONS = {
    "time": "second=1 sec=1 minute=60 min=60 hour=3600 hr=3600 h=3600 day=86400 week=604800",
    "months": "month=1 year=12 yr=12 decade=120 century=1200 centurie=1200",
    "length": "mm=1e-3 millimetre=1e-3 millimeter=1e-3 cm=1e-2 centimetre=1e-2 centimeter=1e-2 m=1 metre=1 meter=1 "
    "km=1e3 kilometre=1e3 kilometer=1e3 mile=1609.344 foot=0.3048 feet=0.3048 ft=0.3048 inch=0.0254 inche=0.0254 "
    "yard=0.9144",
    "mass": "mg=1e-6 g=1e-3 gram=1e-3 kg=1 kilogram=1 kilo=1 tonne=1e3 ton=1e3 lb=0.45359237 ounce=0.028349523 "
    "oz=0.028349523",
    "volume": "ml=1e-3 millilitre=1e-3 milliliter=1e-3 l=1 litre=1 liter=1",
    "data": "kb=1e3 mb=1e6 gb=1e9 tb=1e12",
    "share": "%=1 percent=1",
    "usd": "$=1 us$=1 dollar=1 usd=1",
    "eur": "€=1 euro=1 eur=1",
    "gbp": "£=1 gbp=1 pound=1",
    "jpy": "¥=1 yen=1 jpy=1",
    "inr": "₹=1 rupee=1 inr=1",
}
_UNITS: Mapping[str, tuple[str, float]] = {
    name: (dimension, float(size))
    for dimension, table in _DIMENSIONS.items()
    for name, size in (entry.split("=") for entry in table.split())
}
"""{unit as written, without a plural s: (its dimension, how many base units it is)}"""

_BEFORE_UNITS = frozenset(["working", "business", "calendar", "full", "whole", "more", "other", "different", "degrees"])
"""Words between a number and its unit: "5 working days"."""

_NO_UNITS = frozenset(
    ["or", "and", "to", "in", "of", "is", "are", "was", "on", "at", "for", "from", "by", "with", "as"]
)

_WORD_NUMBER = "|".join(sorted([*_NUMBER_WORDS, *_SCALES], key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w.,/-])(?P<sign>[-−]?)(?P<currency>us\$|[$€£¥₹])?\s?"
    rf"(?P<value>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?"
    rf"|(?:(?:{_WORD_NUMBER})(?:[\s-]+(?:and\s+)?(?=(?:{_WORD_NUMBER})\b)|(?=\W|$)))+)"
    rf"(?P<scale>\s?(?:hundred|thousand|million|billion|trillion|k|bn)\b)?"
    rf"(?:\s?-?\s?(?P<unit>%|€|°[cf]?|[^\W\d_]+))?",
    re.IGNORECASE,
)


class Number(NamedTuple):
    """value in base units of its dimension; dimension is the word after the number where it is no known unit."""

    value: float
    dimension: str
    decimals: int
    text: str


def numbers(text: str) -> list[Number]:
    """Every number, in digits or English words, with its unit; dates are left out."""
    return list(_numbers(without_dates(text)))


def same_number(first: Number, second: Number) -> bool | None:
    """Whether two numbers agree, rounding aside; None when their units cannot be compared."""
    if first.dimension != second.dimension:
        return None
    decimals = min(first.decimals, second.decimals)
    tolerance = 0.5 * 10.0**-decimals * 1.0001 if first.decimals != second.decimals else 1e-9 * abs(first.value)
    return abs(first.value - second.value) <= tolerance


def _numbers(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        written = match["value"].strip()
        value = _value(written)
        if value is None:
            continue
        if match["scale"]:
            value *= _SCALES[match["scale"].strip().lower()]
        decimals = len(written.partition(".")[2]) if written[0].isdigit() and not match["scale"] else 0
        dimension, size = _unit(match, text)
        if written.lower() == "one" and dimension not in _DIMENSIONS:
            continue  # "one" is more often a pronoun than a number
        sign = -1.0 if match["sign"] else 1.0
        end = match.start("unit") if (match["unit"] or "").lower() in _NO_UNITS else match.end()
        text_ = text[match.start() : end].strip().rstrip("-").rstrip()
        yield Number(sign * value * size, dimension, decimals if size == 1.0 else 9, text_)


def _value(written: str) -> float | None:
    if written[0].isdigit():
        return float(written.replace(",", ""))
    total = current = 0.0
    for word in re.findall(r"[a-z]+", written.lower()):
        if word in _NUMBER_WORDS:
            current += _NUMBER_WORDS[word]
        elif word in _SCALES:
            current = max(current, 1.0) * _SCALES[word]
            if _SCALES[word] >= 1000:
                total, current = total + current, 0.0
        elif word != "and":
            return None
    found = total + current
    return found if found or written.lower() == "zero" else None


def _unit(match: re.Match[str], text: str) -> tuple[str, float]:
    if match["currency"]:
        return _UNITS[match["currency"].lower()]
    unit = (match["unit"] or "").lower()
    if unit in _NO_UNITS:
        return "", 1.0
    if unit in _BEFORE_UNITS:
        following = re.match(r"\s+([^\W\d_]+)", text[match.end() :])
        unit = following.group(1).lower() if following else unit
    for name in (unit, unit.removesuffix("s")):
        if name in _UNITS:
            return _UNITS[name]
    return unit.removesuffix("s"), 1.0
