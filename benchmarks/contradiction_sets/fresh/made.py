"""Facts made up from templates, each told in two ways: with another number, date, name or verdict, or with the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contradiction_sets.changes import date_forms
from benchmarks.contradiction_sets.fresh.templates import (
    DATES,
    NAMES,
    PEOPLE,
    PLACES,
    QUANTITIES,
    SAME_QUANTITY,
    SMALL,
    THINGS,
    VERDICTS,
    WORDS,
)
from benchmarks.contradiction_sets.item import Item

EACH = 360


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    """`folder` is not read."""
    for number in range(EACH):
        thing = f"{chance.choice(THINGS)} in {chance.choice(PLACES)}"
        yield from _numbers(number, thing, chance)
        yield from _dates(number, thing, chance)
        yield from _names(number, thing, chance)
        yield from _verdicts(number, thing, chance)


def _numbers(number: int, thing: str, chance: random.Random) -> Iterator[Item]:
    question, one, other, unit = chance.choice(QUANTITIES)
    value = chance.randint(3, 900)
    changed = value + chance.choice([1, 2, 5, 30, value])
    first = one.format(thing=thing, value=f"{value} {unit}")
    prompt = question.format(thing=thing)
    yield Item("number", "made", prompt, first, other.format(thing=thing, value=f"{changed} {unit}"))
    yield Item("right in other words", "made", prompt, first, other.format(thing=thing, value=f"{value} {unit}"))
    question, one, other, forms = chance.choice(SAME_QUANTITY)
    told = chance.sample([form(chance_value) for chance_value in [chance.randint(2, 90)] for form in forms], 2)
    prompt = question.format(thing=thing)
    yield Item(
        "rounding, units",
        "made",
        prompt,
        one.format(thing=thing, value=told[0]),
        other.format(thing=thing, value=told[1]),
    )
    small = chance.randint(2, 12)
    question, sentence = chance.choice(SMALL)
    prompt = question.format(thing=thing)
    digits, word = sentence.format(thing=thing, value=small), sentence.format(thing=thing, value=WORDS[small])
    yield Item("number in words", "made", prompt, *chance.sample([digits, word], 2))
    turned = question.format(thing=f"{chance.choice(THINGS)} in {chance.choice(PLACES)}")
    if turned != prompt:
        other_value = sentence.format(thing=thing, value=small + 3)
        yield Item("another prompt by one word", "made", prompt, digits, other_value, turned)


def _dates(number: int, thing: str, chance: random.Random) -> Iterator[Item]:
    question, one, other = chance.choice(DATES)
    day, month, year = chance.randint(1, 28), chance.randrange(12), chance.randint(1805, 2023)
    changed = chance.choice(
        [(day % 28 + 1, month, year), (day, (month + 3) % 12, year), (day, month, year - chance.choice([1, 4, 30]))]
    )
    prompt, forms = question.format(thing=thing), date_forms(day, month, year)
    first = one.format(thing=thing, date=chance.choice(forms))
    yield Item("date", "made", prompt, first, other.format(thing=thing, date=chance.choice(date_forms(*changed))))
    if number % 6 == 0:
        yield Item("date", "made, years", prompt, str(year), str(year + 3))
    told = chance.sample(forms, 2)
    again = chance.choice([one, other]).format(thing=thing, date=told[1])
    yield Item("date in other form", "made", prompt, one.format(thing=thing, date=told[0]), again)


def _names(number: int, thing: str, chance: random.Random) -> Iterator[Item]:
    question, one, other = chance.choice(NAMES)
    person, another = chance.sample(PEOPLE, 2)
    prompt = question.format(thing=thing)
    first = one.format(thing=thing, name=person)
    told = chance.choice([one, other])
    yield Item("entity", "made", prompt, first, told.format(thing=thing, name=another))
    given, family = person.split()
    short = chance.choice([family, f"{given[0]}. {family}", f"Ms {family}", person.upper()])
    yield Item("another form of a name", "made", prompt, first, told.format(thing=thing, name=short))


def _verdicts(number: int, thing: str, chance: random.Random) -> Iterator[Item]:
    question, yes, no = chance.choice(VERDICTS)
    prompt = question.format(thing=thing)
    one, other = (chance.choice(side).format(thing=thing) for side in (yes, no))
    yield Item("polarity", "made", prompt, *chance.sample([one, other], 2))
    side = chance.choice([yes, no])
    yield Item("same polarity", "made", prompt, *(form.format(thing=thing) for form in chance.sample(side, 2)))
