"""Dates: days, weeks and months on, working days, weekdays of a month, clock times in other places."""

# ruff: noqa: E501

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from random import Random

from general_suites.item import THINK, Item, Tier

MONTHS = tuple(calendar.month_name)[1:]
DAYS = tuple(calendar.day_name)
ORDINALS = ("first", "second", "third", "fourth")
MEDIUM = ("after", "before", "weekday", "between", "nth", "clock")
LARGE = ("working", "holidays", "every", "chain", "last", "zones")
THINGS = (
    "A loan is due",
    "A warranty ends",
    "The parcel must be back",
    "The trial ends",
    "The next inspection is",
    "The permit runs out",
    "The reply is expected",
    "The second dose is due",
    "The lease ends",
    "The exam takes place",
)
CITIES = ("Aldmoor", "Brekka", "Corvane", "Dunmere", "Estavel", "Fairholm", "Garnet Bay", "Hollin")


def _said(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _any_day(random: Random) -> date:
    return date(random.randint(2021, 2034), 1, 1) + timedelta(days=random.randrange(365))


def make(random: Random, tier: Tier, number: int) -> Item:
    """Every kind of question equally often; a cluster is a kind with one wording."""
    kinds = MEDIUM if tier == "medium" else LARGE
    kind = kinds[number % len(kinds)]
    thing = number // len(kinds) % len(THINGS)
    question, answer, form = ASKED[kind](random, THINGS[thing])
    how = random.choice(THINK).format(form=form)
    return Item(f"{question}\n\n{how}", answer, f"{kind}-{thing}-{number // (2 * len(kinds) * len(THINGS))}")


def _after(random: Random, thing: str) -> tuple[str, str, str]:
    day, n = _any_day(random), random.randint(18, 140)
    answer = (day + timedelta(days=n)).isoformat()
    return f"{thing} {n} days after {_said(day)}. Which date is that?", answer, "YYYY-MM-DD"


def _before(random: Random, thing: str) -> tuple[str, str, str]:
    day, n = _any_day(random), random.randint(3, 14)
    answer = (day - timedelta(weeks=n)).isoformat()
    words = f"{thing} on {_said(day)}. A reminder goes out exactly {n} weeks before that date. On which date?"
    return words, answer, "YYYY-MM-DD"


def _weekday(random: Random, thing: str) -> tuple[str, str, str]:
    day, n = _any_day(random), random.randint(20, 400)
    words = f"{_said(day)} is a {DAYS[day.weekday()]}. {thing} {n} days later. Which day of the week is that, and which date?"
    later = day + timedelta(days=n)
    return words, f"{DAYS[later.weekday()]}, {later.isoformat()}", "WEEKDAY, YYYY-MM-DD"


def _between(random: Random, thing: str) -> tuple[str, str, str]:
    day, n = _any_day(random), random.randint(25, 320)
    words = f"Today is {_said(day)}. {thing} on {_said(day + timedelta(days=n))}. How many days from today is that?"
    return words, str(n), "NUMBER"


def _nth(random: Random, thing: str) -> tuple[str, str, str]:
    day = _any_day(random).replace(day=1)
    n, weekday = random.randrange(4), random.randrange(7)
    found = [d for d in calendar.Calendar().itermonthdates(day.year, day.month) if d.month == day.month]
    answer = [d for d in found if d.weekday() == weekday][n].isoformat()
    month = f"{MONTHS[day.month - 1]} {day.year}"
    words = f"1 {month} is a {DAYS[day.weekday()]}. {thing} on the {ORDINALS[n]} {DAYS[weekday]} of {month}. Which date is it?"
    return words, answer, "YYYY-MM-DD"


def _clock(random: Random, thing: str) -> tuple[str, str, str]:
    start = datetime(2030, 1, 1, random.randrange(24), random.randrange(0, 60, 5))
    parts = [random.randint(35, 190) for _ in range(3)]
    end = start + timedelta(minutes=sum(parts))
    words = (
        f"{thing} today; the work for it starts at {start:%H:%M}. It takes {parts[0]} minutes, then there is a break of "
        f"{parts[1]} minutes, then another {parts[2]} minutes of work. At what time on the 24-hour clock does it finish?"
    )
    return words, f"{end:%H:%M}", "HH:MM"


def _working(random: Random, thing: str) -> tuple[str, str, str]:
    day, n = _any_day(random), random.randint(9, 45)
    there = day
    left = n
    while left:
        there += timedelta(days=1)
        left -= there.weekday() < 5
    words = (
        f"{_said(day)} is a {DAYS[day.weekday()]}. {thing} {n} working days after that date, where Saturdays and Sundays are "
        "no working days and the first working day after it counts as one. Which date is that?"
    )
    return words, there.isoformat(), "YYYY-MM-DD"


def _holidays(random: Random, thing: str) -> tuple[str, str, str]:
    day, n = _any_day(random), random.randint(8, 24)
    off = sorted({day + timedelta(days=random.randint(2, n)) for _ in range(4)})
    there = day
    left = n
    while left:
        there += timedelta(days=1)
        left -= there.weekday() not in (5, 6) and there not in off
    words = (
        f"{_said(day)} is a {DAYS[day.weekday()]}. {thing} {n} working days later. Saturdays and Sundays are not counted, nor "
        f"are these holidays: {', '.join(_said(d) for d in off)}. Which date is that?"
    )
    return words, there.isoformat(), "YYYY-MM-DD"


def _every(random: Random, thing: str) -> tuple[str, str, str]:
    day, a, b = _any_day(random), random.randint(4, 9), random.randint(10, 17)
    n = random.randint(2, 4)
    both = [d for d in range(1, 2000) if d % a == 0 and d % b == 0][n - 1]
    words = (
        f"Two lamps are both cleaned on {_said(day)}. From then on one is cleaned every {a} days and the other every {b} days. "
        f"{thing} when both are cleaned on the same day for the {ORDINALS[n - 1]} time after that date. Which date is that?"
    )
    return words, (day + timedelta(days=both)).isoformat(), "YYYY-MM-DD"


def _chain(random: Random, thing: str) -> tuple[str, str, str]:
    day = _any_day(random)
    a, b, c = random.randint(30, 120), random.randint(3, 12), random.randint(10, 60)
    words = (
        f"A project begins on {_said(day)}. Phase one takes {a} days, so phase two begins {a} days after the project. Phase two "
        f"takes {b} weeks, and phase three begins at its end. {thing} {c} days before phase three begins. Which date is that, "
        "and which day of the week, if the project begins on a {weekday}?"
    ).replace("{weekday}", DAYS[day.weekday()])
    end = day + timedelta(days=a + 7 * b - c)
    return words, f"{DAYS[end.weekday()]}, {end.isoformat()}", "WEEKDAY, YYYY-MM-DD"


def _last(random: Random, thing: str) -> tuple[str, str, str]:
    day = _any_day(random).replace(day=1)
    weekday, months = random.randrange(7), random.randint(5, 20)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    end = date(year, month + 1, calendar.monthrange(year, month + 1)[1])
    while end.weekday() != weekday:
        end -= timedelta(days=1)
    words = (
        f"1 {MONTHS[day.month - 1]} {day.year} is a {DAYS[day.weekday()]}. {thing} on the last {DAYS[weekday]} of the month that "
        f"comes {months} months after {MONTHS[day.month - 1]} {day.year}. Which date is that?"
    )
    return words, end.isoformat(), "YYYY-MM-DD"


def _zones(random: Random, thing: str) -> tuple[str, str, str]:
    a, b, c = random.sample(CITIES, 3)
    shifts = [random.choice((-9, -7, -5, -4, -3, 2, 3, 4, 6, 8, 10)) for _ in range(2)]
    start = datetime(2030, 1, 1, random.randrange(24), random.randrange(0, 60, 5)) + timedelta(
        days=random.randrange(365)
    )
    first, wait, second = (random.randint(70, 620) for _ in range(3))
    end = start + timedelta(minutes=first + wait + second, hours=sum(shifts))

    def against(hours: int) -> str:
        return f"{abs(hours)} hours {'ahead of' if hours > 0 else 'behind'}"

    words = (
        f"Clocks in {b} are {against(shifts[0])} those in {a}, and clocks in {c} are {against(shifts[1])} those in {b}. A flight "
        f"leaves {a} on {_said(start.date())} at {start:%H:%M} local time and takes {first} minutes to {b}. After {wait} minutes "
        f"there, the next one takes {second} minutes to {c}. {thing} at the moment of arrival in {c}. What are local date and "
        "time there?"
    )
    return words, f"{end:%Y-%m-%d %H:%M}", "YYYY-MM-DD HH:MM"


ASKED = {
    "after": _after,
    "before": _before,
    "weekday": _weekday,
    "between": _between,
    "nth": _nth,
    "clock": _clock,
    "working": _working,
    "holidays": _holidays,
    "every": _every,
    "chain": _chain,
    "last": _last,
    "zones": _zones,
}


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _next(day: tuple[int, int, int], by: int = 1) -> tuple[int, int, int]:
    """The calendar by hand, a day at a time, so that nothing is shared with the generator."""
    year, month, number = day
    for _ in range(abs(by)):
        lengths = (31, 29 if _leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
        if by > 0:
            number += 1
            if number > lengths[month - 1]:
                month, number = month + 1, 1
            if month > 12:
                year, month = year + 1, 1
        else:
            number -= 1
            if number == 0:
                month -= 1
                if month == 0:
                    year, month = year - 1, 12
                number = (31, 29 if _leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    return year, month, number


def _iso(day: tuple[int, int, int]) -> str:
    return "{:04}-{:02}-{:02}".format(*day)


def solve(prompt: str) -> str:
    """From the text alone, with a calendar of its own."""
    text = prompt.split("\n\n")[0]
    days = [
        (int(y), MONTHS.index(m) + 1, int(d)) for d, m, y in re.findall(rf"(\d+) ({'|'.join(MONTHS)}) (\d{{4}})", text)
    ]
    bare = re.sub(rf"(?:\d+ )?(?:{'|'.join(MONTHS)}) \d{{4}}", "", text)
    numbers = [int(n) for n in re.findall(r"(?<![\d:])\d+(?![\d:])", bare)]
    said = re.findall("|".join(DAYS), text)
    if "local time" in text:
        return _arrival(text, days[0], numbers)
    if "24-hour" in text:
        hours, minutes = re.findall(r"(\d\d):(\d\d)", text)[0]
        total = int(hours) * 60 + int(minutes) + sum(int(n) for n in re.findall(r"(\d+) minutes", text))
        return f"{total // 60 % 24:02}:{total % 60:02}"
    if "working day" in text:
        return _iso(_count_working(days[0], DAYS.index(said[0]), numbers[0], set(days[1:])))
    if "lamps" in text:
        a, b = numbers[:2]
        which = 1 + ORDINALS.index(next(word for word in re.findall(r"the (\w+) time", text)))
        together = next(n for n in range(max(a, b), 10_000) if n % a == 0 and n % b == 0)
        return _iso(_next(days[0], which * together))
    if "Phase one" in text:
        by = numbers[0] + 7 * numbers[2] - numbers[3]
        return f"{DAYS[(DAYS.index(said[-1]) + by) % 7]}, {_iso(_next(days[0], by))}"
    if "months after" in text:
        return _last_of_month(days[0], DAYS.index(said[0]), DAYS.index(said[1]), numbers[0])
    if found := re.search(rf"on the ({'|'.join(ORDINALS)}) ({'|'.join(DAYS)}) of", text):
        first = DAYS.index(said[0])
        offset = (DAYS.index(found.group(2)) - first) % 7 + 7 * ORDINALS.index(found.group(1))
        return _iso(_next(days[0], offset))
    if "How many days" in text:
        there, n = days[0], 0
        while there != days[1]:
            there, n = _next(there), n + 1
        return str(n)
    if "weeks before" in text:
        return _iso(_next(days[0], -7 * numbers[0]))
    later = _iso(_next(days[0], numbers[0]))
    return f"{DAYS[(DAYS.index(said[0]) + numbers[0]) % 7]}, {later}" if "day of the week" in text else later


def _count_working(
    day: tuple[int, int, int], weekday: int, left: int, off: set[tuple[int, int, int]]
) -> tuple[int, int, int]:
    while left:
        day, weekday = _next(day), (weekday + 1) % 7
        if weekday < 5 and day not in off:
            left -= 1
    return day


def _last_of_month(day: tuple[int, int, int], weekday: int, wanted: int, months: int) -> str:
    found = day
    while months >= 0:
        if weekday == wanted:
            found = day
        after = _next(day)
        if after[1] != day[1]:
            months -= 1
        day, weekday = after, (weekday + 1) % 7
    return _iso(found)


def _arrival(text: str, day: tuple[int, int, int], numbers: list[int]) -> str:
    hours, minutes = (int(part) for part in re.findall(r"(\d\d):(\d\d)", text)[0])
    total = hours * 60 + minutes + sum(int(n) for n in re.findall(r"(\d+) minutes", text))
    for size, way in re.findall(r"(\d+) hours (ahead of|behind)", text):
        total += 60 * int(size) * (1 if way == "ahead of" else -1)
    return f"{_iso(_next(day, total // 1440))} {total // 60 % 24:02}:{total % 60:02}"
