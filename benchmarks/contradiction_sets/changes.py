"""How texts are changed, by rules that share no code with the checks."""

from __future__ import annotations

import random
import re
from typing import Any

_MONTH_NAMES = "January February March April May June July August September October November December"
_MONTHS = _MONTH_NAMES.split()
_NUMBER_NAMES = "zero one two three four five six seven eight nine ten eleven twelve"
_WORDS = _NUMBER_NAMES.split()
_PLAIN_NUMBER = re.compile(r"(?<![\w.,/:$€£#-])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\w/:]|[.,]\d|-\d|\s*[ap]m\b)")
_YEAR = re.compile(r"\b(1[5-9]\d\d|20[0-2]\d)\b(?![,.]?\d)")
_FULL_DATE = re.compile(
    rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}})(, \d{{4}})?\b|\b(\d{{1,2}}) ({'|'.join(_MONTHS)})( \d{{4}})?\b"
)
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,}){0,2})(?=[ ,.'])")
_NO_NAMES = {
    *_MONTHS,
    "The",
    "This",
    "That",
    "However",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "English",
}


def with_other_number(text: str, chance: random.Random) -> str | None:
    """The text with one number changed that is no year, no number of a list, and stands in it once."""
    found = [
        match
        for match in _PLAIN_NUMBER.finditer(text)
        if not _YEAR.fullmatch(match.group())
        and text.count(match.group()) == 1
        and not _numbers_an_item(text, match)
        and _FULL_DATE.search(text[max(0, match.start() - 12) : match.end() + 12]) is None
    ]
    if not found:
        return None
    match = chance.choice(found)
    written = match.group().replace(",", "")
    if "." in written:
        changed = f"{float(written) * chance.choice([0.5, 1.3, 2, 3]):.{len(written.split('.')[1])}f}"
        changed = changed if changed != written else f"{float(written) + 1}"
    else:
        value = int(written) + chance.choice([1, 2, 3, 7, 10]) * 10 ** max(0, len(written) - 2)
        changed = f"{value:,}" if "," in match.group() else str(value)
    return text[: match.start()] + changed + text[match.end() :]


def _numbers_an_item(text: str, match: re.Match[str]) -> bool:
    return re.match(r"[.):]\s", text[match.end() : match.end() + 2]) is not None and (
        match.start() == 0 or text[match.start() - 1] in "\n("
    )


def with_other_date(text: str, chance: random.Random) -> str | None:
    """The text with one year, or one day of a month, changed."""
    full = list(_FULL_DATE.finditer(text))
    years = [match for match in _YEAR.finditer(text) if text.count(match.group()) == 1]
    if full and chance.random() < 0.6:
        match = chance.choice(full)
        day = match.group(2) or match.group(4)
        changed = match.group().replace(day, str((int(day) + 6) % 28 + 1), 1)
        return text[: match.start()] + changed + text[match.end() :]
    if not years:
        return None
    match = chance.choice(years)
    return text[: match.start()] + str(int(match.group()) - chance.choice([1, 3, 12, 40])) + text[match.end() :]


def denial(text: str) -> str | None:
    """The text with its first "is", "are", "can" or the like denied; None where a sentence denies already."""
    if re.search(r"\b(?:not|no|never|n't|none|nothing|without)\b|n't\b", text):
        return None
    match = re.search(r"(?<=\w )\b(is|are|was|were|can|will|should|has been|have been)\b(?= [a-z])", text)
    if match is None:
        return None
    word = match.group()
    denied = word.replace(" ", " not ") if " " in word else f"{word} not"
    return text[: match.start()] + denied + text[match.end() :]


def names_in(text: str) -> list[str]:
    """Capitalised words within a sentence."""
    return [name for name in _NAME.findall(text) if not set(name.split()) & _NO_NAMES]


_CONVERSIONS: tuple[tuple[str, Any], ...] = (
    (r"(?<![\d.,$])(\d+) (?:kilometers|kilometres|km)\b", lambda n: f"{n * 1000:,.0f} meters"),
    (r"(?<![\d.,$])(\d+) hours\b", lambda n: f"{n * 60:.0f} minutes"),
    (r"(?<![\d.,$])(\d+) minutes\b", lambda n: f"{n * 60:.0f} seconds"),
    (r"(?<![\d.,$])(\d+) weeks\b", lambda n: f"{n * 7:.0f} days"),
    (r"(?<![\d.,$])(\d+) years\b", lambda n: f"{n * 12:.0f} months"),
    (r"(?<![\d.,$])(\d+) feet\b", lambda n: f"{n * 12:.0f} inches"),
    (r"(?<![\d.,$])(\d+) miles\b", lambda n: f"{n * 1.609344:.1f} km"),
    (r"(?<![\d.,$])(\d+) (?:pounds|lbs)\b", lambda n: f"{n * 0.45359237:.1f} kg"),
    (r"(?<![\d.,$])(\d+) (?:kg|kilograms)\b", lambda n: f"{n * 1000:,.0f} grams"),
    (r"(?<![\d.,$])(\d+) (?:meters|metres)\b", lambda n: f"{n * 100:,.0f} cm"),
    (r"(?<![\d.,$])(\d+) inches\b", lambda n: f"{n * 2.54:.1f} cm"),
    (r"(?<![\d.,$])(\d+)%", lambda n: f"{n:.0f} percent"),
    (r"\$(\d+)\b(?![.,]\d)", lambda n: f"{n:.0f} dollars"),
    (r"(?<![\d.,$])(\d+) million\b", lambda n: f"{n * 1_000_000:,.0f}"),
    (r"(?<![\d.,$])(\d+\.\d\d)\b(?![.,%]\d)", lambda n: f"{n:.1f}"),
    (r"(?<![\d.,$/-])(\d{4,7})\b(?![.,/:-]\d)", lambda n: f"{n:,.0f}"),
)


def in_other_unit(text: str) -> str | None:
    """The text with one quantity converted, rounded, or grouped by commas."""
    for pattern, convert in _CONVERSIONS:
        match = re.search(pattern, text)
        if match and not (_YEAR.fullmatch(match.group(1)) and "," in convert(float(match.group(1)))):
            return text[: match.start()] + str(convert(float(match.group(1)))) + text[match.end() :]
    return None


def in_words(text: str) -> str | None:
    """The text with one number up to twelve in words instead of digits, or the other way round."""
    match = re.search(r"(?<=[a-z] )(\d|1[0-2])(?= [a-z])", text)
    if match is not None:
        return text[: match.start()] + _WORDS[int(match.group())] + text[match.end() :]
    match = re.search(rf"(?<=[a-z] )({'|'.join(_WORDS[2:])})(?= [a-z])", text)
    if match is not None:
        return text[: match.start()] + str(_WORDS.index(match.group())) + text[match.end() :]
    return None


def in_other_date_form(text: str) -> str | None:
    """The text with one full date in another notation."""
    match = re.search(rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}}), (\d{{4}})\b", text)
    if match is not None:
        return text[: match.start()] + f"{match.group(2)} {match.group(1)} {match.group(3)}" + text[match.end() :]
    match = re.search(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})\b", text)
    if match is not None:
        return text[: match.start()] + f"{match.group(2)} {match.group(1)}, {match.group(3)}" + text[match.end() :]
    return None


def date_forms(day: int, month: int, year: int) -> list[str]:
    name = _MONTHS[month]
    ending = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(day, "th")
    return [
        f"{name} {day}, {year}",
        f"{day} {name} {year}",
        f"{name} {day}{ending}, {year}",
        f"the {day}{ending} of {name} {year}",
        f"{year}-{month + 1:02d}-{day:02d}",
        f"{month + 1}/{day}/{year}",
        f"{name[:3]} {day}, {year}",
    ]


def untokenized(text: str) -> str:
    """Without the white space that Penn Treebank tokenisation put before punctuation."""
    text = re.sub(r"-LRB- ?", "(", text)
    text = re.sub(r" ?-RRB-", ")", text)
    text = re.sub(r"\$ (?=\d)", "$", re.sub(r" ([.,;:!?%')]|'s|n't)(?=\W|$|s\b)", r"\1", text))
    return re.sub(r'`` ?| ?\'\'|" ', '"', text).strip()
