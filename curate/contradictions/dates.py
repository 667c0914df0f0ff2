"""Dates in English, German, Spanish, Chinese, Japanese and Arabic, weekdays, bare years, decades and centuries."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .date_forms import MONTHS, WEEKDAYS, forms_in
from .numerals import han, with_ascii_digits

_LONGEST = 20_000


class Date(NamedTuple):
    """What is known of a day or a time of day.

    years    first and last year that are meant; None when nothing is said
    days     (month, day); two readings where they cannot be told apart
    minutes  of a time of day, since midnight; both readings of a time without am or pm
    """

    years: tuple[int, int] | None
    month: int | None
    days: frozenset[tuple[int, int]]
    weekday: int
    minutes: frozenset[int]
    text: str


def dates(text: str, language: str = "en") -> tuple[Date, ...]:
    """Every date, from the most explicit form to a bare year; no part of the text counts twice."""
    return tuple(date for date, _ in _dated(text))


def without_dates(text: str, language: str = "en") -> str:
    """The text with a space for every character of a date; so that "12 March" is not also the number 12."""
    for _, (start, end) in _dated(text):
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def same_date(first: Date, second: Date) -> bool | None:
    """Whether two dates agree in all that both say; None when they say nothing of the same kind."""
    if first.minutes and second.minutes:
        return bool(first.minutes & second.minutes)
    compared = False
    if first.years and second.years:
        if first.years[1] < second.years[0] or second.years[1] < first.years[0]:
            return False
        compared = True
    if first.days and second.days:
        return bool(first.days & second.days)
    if first.month and second.month:
        return first.month == second.month
    if first.weekday and second.weekday and not compared:
        return first.weekday == second.weekday
    return True if compared else None


@lru_cache(maxsize=4096)
def _dated(text: str) -> tuple[tuple[Date, tuple[int, int]], ...]:
    plain = with_ascii_digits(text[:_LONGEST])
    taken = bytearray(len(plain))
    found: list[tuple[Date, tuple[int, int]]] = []
    for form in forms_in(plain):
        for match in form.finditer(plain):
            start, end = _span(match)
            if any(taken[start:end]):
                continue
            date = _date(match, text[start:end])
            if date is not None:
                found.append((date, (start, end)))
                taken[start:end] = b"\1" * (end - start)
    return tuple(sorted(found, key=lambda item: item[1]))


def _span(match: re.Match[str]) -> tuple[int, int]:
    """What the date covers: of a bare year without the word before it."""
    groups = {name: value for name, value in match.groupdict().items() if value}
    if set(groups) in ({"year"}, {"month"}):
        name = next(iter(groups))
        if match.end(name) == match.end():
            return match.span(name)
    return match.span()


def _date(match: re.Match[str], written: str) -> Date | None:
    parts = {name: value for name, value in match.groupdict().items() if value}
    nothing: frozenset[tuple[int, int]] = frozenset()
    if "weekday" in parts or "cjk_weekday" in parts:
        name = parts.get("weekday") or parts["cjk_weekday"]
        return Date(None, None, nothing, WEEKDAYS[name.lower()], frozenset(), written)
    if "clock" in parts:
        minutes = _minutes(parts["clock"], parts.get("half", ""))
        return Date(None, None, nothing, 0, minutes, written) if minutes else None
    years = _years(parts)
    if "first" in parts:
        first, second = int(parts["first"]), int(parts["second"])
        both = ((first, second), (second, first))
        days = frozenset((month, day) for month, day in both if 1 <= month <= 12 and 1 <= day <= 31)
        return Date(years, None, days, 0, frozenset(), written) if days else None
    month = _month(parts)
    day = int(parts["day"]) if "day" in parts else int(han(parts["hday"]) or 0) if "hday" in parts else None
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    if parts.get("month") in ("may", "mar", "jan", "mai") and day is None and years is None:
        return None  # a verb, or part of a word
    days = frozenset({(month, day)}) if month is not None and day is not None else nothing
    return Date(years, month, days, 0, frozenset(), written)


def _years(parts: dict[str, str]) -> tuple[int, int] | None:
    if "decade" in parts:
        first = int(parts["decade"])
        return first, first + (99 if first % 100 == 0 and first < 2000 else 9)
    if "short" in parts:
        return 1900 + int(parts["short"]), 1909 + int(parts["short"])
    if "century" in parts:
        last = 100 * int(parts["century"])
        return last - 99, last
    year = int(parts["year"]) if "year" in parts else int(han(parts["hyear"]) or 0) if "hyear" in parts else None
    return None if year is None else (year, year)


def _month(parts: dict[str, str]) -> int | None:
    if "number" in parts:
        return int(parts["number"])
    if "hmonth" in parts:
        return int(han(parts["hmonth"]) or 0)
    return MONTHS[parts["month"].lower()] if "month" in parts else None


def _minutes(clock: str, half: str) -> frozenset[int]:
    hour, _, minute = clock.partition(":")
    hours, minutes = int(hour), int(minute or 0)
    if hours > 24 or minutes > 59 or (half and not 1 <= hours <= 12):
        return frozenset()
    if half:
        hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
        return frozenset({hours * 60 + minutes})
    both = {hours * 60 + minutes}
    if 1 <= hours <= 12:
        both.add((hours % 12 + 12) * 60 + minutes)
    return frozenset(both)
