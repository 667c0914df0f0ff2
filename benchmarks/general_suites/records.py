"""A message to a JSON object: values to copy, dates and amounts to bring into a form, corrections to heed."""

# ruff: noqa: E501

from __future__ import annotations

import json
import re
from random import Random
from typing import NamedTuple

from general_suites.item import Item, Tier

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
PEOPLE = (
    "Mira Holt",
    "Jonas Reyk",
    "Adela Quist",
    "Tomas Brandl",
    "Ines Okoro",
    "Pavel Lund",
    "Sina Marchetti",
    "Otto Vasquez",
    "Leila Grant",
    "Noor Bakker",
    "Emil Sato",
    "Wanda Pryce",
)
PLACES = (
    "Room 4",
    "the Blue Hall",
    "Studio 2",
    "the Garden Pavilion",
    "Room 17",
    "the Annex",
    "Workshop B",
    "the Attic",
    "Room 31",
    "the Boathouse",
)
GOODS = (
    "folding chairs",
    "desk lamps",
    "water jugs",
    "name badges",
    "flip charts",
    "extension leads",
    "paper rolls",
    "blankets",
    "thermos flasks",
    "markers",
    "tablecloths",
    "speakers",
)


class Fact(NamedTuple):
    key: str
    form: str
    value: object
    sentence: str


def _date(random: Random) -> tuple[str, str]:
    year, month, day = random.randint(2025, 2029), random.randrange(12), random.randint(1, 28)
    said = random.choice((f"{day} {MONTHS[month]} {year}", f"{MONTHS[month]} {day}, {year}"))
    return said, f"{year}-{month + 1:02}-{day:02}"


def _time(random: Random) -> tuple[str, str]:
    hour, minute = random.randint(1, 11), random.choice((0, 15, 30, 45))
    afternoon = random.random() < 0.5
    said = (
        f"{hour}:{minute:02} in the {'afternoon' if afternoon and hour < 6 else 'evening' if afternoon else 'morning'}"
    )
    return said, f"{hour + 12 if afternoon else hour:02}:{minute:02}"


def make(random: Random, tier: Tier, number: int) -> Item:
    """A cluster is the pair of the person and the place."""
    contact, other = random.sample(PEOPLE, 2)
    contact = PEOPLE[number % len(PEOPLE)]
    other = next(name for name in (other, PEOPLE[0], PEOPLE[1]) if name != contact)
    place = PLACES[number // len(PEOPLE) % len(PLACES)]
    facts = _facts(random, tier, contact, place)
    random.shuffle(facts)
    lines = [fact.sentence for fact in facts]
    lines += _corrected(random, tier, facts)
    for _ in range(random.randint(0, 1) if tier == "medium" else random.randint(1, 3)):
        lines.insert(random.randrange(len(facts)), random.choice(IDLE).format(other=other, n=random.randint(2, 60)))
    forms = "\n".join(f"- {fact.key}: {fact.form}" for fact in sorted(facts))
    ask = random.choice(ASK)
    prompt = f'{ask}\n{forms}\n\nMessage: "{" ".join(lines)}"'
    return Item(prompt, json.dumps({fact.key: fact.value for fact in sorted(facts)}), f"{contact}-{place}")


ASK = (
    "Read the message and answer with one JSON object, and nothing else, with exactly these keys:",
    "Turn the message into a JSON object with the following keys. Reply with the JSON only. Where something is corrected later "
    "on, the correction counts.",
    "Extract these fields from the message as JSON (only the object, no comment):",
)
IDLE = (
    "{other} says hello.",
    "{other} came by earlier and stayed for {n} minutes.",
    "It has rained here for {n} days.",
    "Last year {other} did all this with {n} people.",
    "I have read {n} pages of the manual since.",
)


def _facts(random: Random, tier: Tier, contact: str, place: str) -> list[Fact]:
    said, day = _date(random)
    hour, clock = _time(random)
    n = random.randint(6, 240)
    facts = [
        Fact("contact", "full name of the person to call", contact, f"Please call {contact} with any question."),
        Fact("date", "date of the event, as YYYY-MM-DD", day, f"The event is on {said}."),
        Fact("guests", "number of guests, a number", n, f"We expect {n} guests."),
        Fact("place", "name of the place, without 'the'", place.removeprefix("the "), f"It takes place in {place}."),
        Fact("start", "time of the start, as HH:MM on the 24-hour clock", clock, f"It starts at {hour}."),
    ]
    return [*facts, *_more_facts(random, n)] if tier == "large" else facts


def _more_facts(random: Random, guests: int) -> list[Fact]:
    goods = random.sample(GOODS, 3)
    counts = [random.randint(2, 30) for _ in goods]
    price = random.randint(3, 45)
    vegetarian = random.randint(1, guests - 1)
    due_said, due = _date(random)
    wanted = dict(zip(goods, counts, strict=True))
    order = ", ".join(f"{n} {name}" for name, n in wanted.items())
    parking = random.choice((True, False, None))
    about_parking = {
        True: "Parking is needed.",
        False: "Nobody comes by car, so no parking is needed.",
        None: "We have not decided on the music yet.",
    }[parking]
    return [
        Fact(
            "budget",
            "price per guest times the number of guests, a number",
            price * guests,
            f"The price is {price} euros per guest.",
        ),
        Fact("due", "date by which an answer is due, as YYYY-MM-DD", due, f"Let us know by {due_said}."),
        Fact(
            "goods", "list of the names of all goods ordered, in alphabetical order", sorted(goods), f"Send us {order}."
        ),
        Fact(
            "pieces",
            "how many pieces of goods are ordered altogether, a number",
            sum(counts),
            "All goods go to the side door.",
        ),
        Fact("parking", "true, false, or null where the message does not say", parking, about_parking),
        Fact(
            "meat",
            "number of guests who are not vegetarian, a number",
            guests - vegetarian,
            f"Of the guests, {vegetarian} are vegetarian.",
        ),
    ]


def _corrected(random: Random, tier: Tier, facts: list[Fact]) -> list[str]:
    """Sentences that take back what was said of date or start; the facts are changed in place."""
    lines = []
    for i, fact in enumerate(facts):
        if fact.key == "date" and random.random() < (0.4 if tier == "medium" else 0.7):
            said, day = _date(random)
            facts[i] = fact._replace(value=day)
            lines.append(
                random.choice(
                    (f"Correction: the event is on {said} instead.", f"Sorry, the right date of the event is {said}.")
                )
            )
        if fact.key == "start" and random.random() < (0.4 if tier == "medium" else 0.7):
            said, clock = _time(random)
            facts[i] = fact._replace(value=clock)
            lines.append(
                random.choice(
                    (f"We have to begin at {said} after all.", f"Forget the time I gave: it starts at {said}.")
                )
            )
    return lines


def solve(prompt: str) -> str:
    """From the text alone: the last mention counts."""
    fields, _, message = prompt.partition('Message: "')
    keys = re.findall(r"^- (\w+):", fields, re.MULTILINE)

    def last(pattern: str) -> str:
        return str(re.findall(pattern, message)[-1])

    day = r"(\d+ [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d+, \d{4})"
    clock = r"(\d+:\d\d in the \w+)"
    guests = int(last(r"expect (\d+) guests"))
    ordered = {
        name: int(n)
        for part in re.findall(r"Send us ([^.]*)\.", message)
        for n, name in re.findall(r"(\d+) ([a-z ]+)", part)
    }
    parking = False if "no parking" in message else True if "Parking is needed" in message else None
    values: dict[str, object] = {
        "contact": last(r"call (\w+ \w+) with"),
        "date": _iso(last(rf"event is (?:on )?{day}")),
        "guests": guests,
        "place": last(r"takes place in (?:the )?([\w ]+)\."),
        "start": _24(last(rf"(?:starts|begin) at {clock}")),
    }
    if "goods" in keys:
        values |= {
            "budget": int(last(r"price is (\d+) euros")) * guests,
            "due": _iso(last(rf"know by {day}")),
            "goods": sorted(ordered),
            "pieces": sum(ordered.values()),
            "parking": parking,
            "meat": guests - int(last(r"(\d+) are vegetarian")),
        }
    return json.dumps({key: values[key] for key in keys})


def _iso(said: str) -> str:
    month = next(i for i, name in enumerate(MONTHS, start=1) if name in said)
    a, b = sorted(map(int, re.findall(r"\d+", said)))
    return f"{b}-{month:02}-{a:02}"


def _24(said: str) -> str:
    hours, minutes = re.findall(r"(\d+):(\d\d)", said)[0]
    return f"{int(hours) + (0 if 'morning' in said else 12):02}:{minutes}"
