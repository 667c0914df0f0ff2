"""Dates in English and ISO notation, weekdays and bare years, in a form that can be compared."""

from __future__ import annotations

import re
from typing import NamedTuple

_MONTH_NAMES = (
    "jan january",
    "feb february",
    "mar march",
    "apr april",
    "may",
    "jun june",
    "jul july",
    "aug august",
    "sep sept september",
    "oct october",
    "nov november",
    "dec december",
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?\b"
_DATE_FORMS = (
    re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<number>\d{1,2})-(?P<day>\d{1,2})(?!\d)"),
    re.compile(rf"\b{_DAY}(?:\s+of)?\s+{_MONTH}{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+{_DAY}(?!\d){_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH},?\s+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(r"(?<![\d/.-])(?P<first>\d{1,2})[/.](?P<second>\d{1,2})[/.](?P<year>\d{4})(?![\d/])"),
    re.compile(r"(?<![\w.,$€£/-])(?P<year>1[5-9]\d\d|20\d\d)(?![\w%/]|[.,]\d|-\d)"),
    re.compile(r"\b(?P<weekday>mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE),
)


class Date(NamedTuple):
    """What is known of a day; days holds two readings where day and month cannot be told apart."""

    year: int | None
    month: int | None
    days: frozenset[tuple[int, int]]
    weekday: str
    text: str


def dates(text: str) -> list[Date]:
    """Every date, from the most explicit form to a bare year; no part of the text counts twice."""
    return [date for date, _ in _dated(text)]


def without_dates(text: str) -> str:
    """The text with a space for every character of a date; so that "12 March" is not also the number 12."""
    for _, (start, end) in _dated(text):
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def same_date(first: Date, second: Date) -> bool | None:
    """Whether two dates agree in all that both say; None when they say nothing of the same kind."""
    if first.weekday and second.weekday:
        return first.weekday == second.weekday
    compared = False
    if first.year and second.year:
        if first.year != second.year:
            return False
        compared = True
    if first.days and second.days:
        return bool(first.days & second.days)
    if first.month and second.month:
        return first.month == second.month
    return True if compared else None


def _dated(text: str) -> list[tuple[Date, tuple[int, int]]]:
    found: list[tuple[Date, tuple[int, int]]] = []
    for form in _DATE_FORMS:
        for match in form.finditer(text):
            start, end = match.span()
            if all(end <= other_start or other_end <= start for _, (other_start, other_end) in found):
                date = _date(match)
                if date is not None:
                    found.append((date, (start, end)))
    return sorted(found, key=lambda item: item[1])


def _date(match: re.Match[str]) -> Date | None:
    parts = match.groupdict()
    year = int(parts["year"]) if parts.get("year") else None
    if parts.get("weekday"):
        return Date(None, None, frozenset(), parts["weekday"].lower(), match.group())
    if parts.get("first"):
        first, second = int(parts["first"]), int(parts["second"])
        readings = frozenset((m, d) for m, d in ((first, second), (second, first)) if 1 <= m <= 12 and 1 <= d <= 31)
        return Date(year, None, readings, "", match.group()) if readings else None
    month = int(parts["number"]) if parts.get("number") else None
    if parts.get("month"):
        month = _MONTHS[parts["month"].lower()]
    day = int(parts["day"]) if parts.get("day") else None
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    if parts.get("month", "") and parts["month"].lower() == "may" and day is None and parts["month"][0] == "m":
        return None  # the verb
    days = frozenset({(month, day)}) if month is not None and day is not None else frozenset()
    return Date(year, month, days, "", match.group())
