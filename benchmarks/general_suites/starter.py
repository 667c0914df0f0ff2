"""The generated answers and instructions of the tier for bases of about 0.1B: one step each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random

from general_suites.item import Item, Tier

NAMES = ("Tom", "Ana", "Lee", "Mia", "Sam", "Eva", "Max", "Joe", "Amy", "Ben", "Kim", "Ida")
THINGS = (
    "ball",
    "kite",
    "drum",
    "book",
    "lamp",
    "cup",
    "hat",
    "key",
    "map",
    "boat",
    "coat",
    "bell",
    "rope",
    "fork",
    "ring",
    "flute",
)
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown", "pink")
PLACES = ("kitchen", "garden", "attic", "garage", "school", "park", "barn", "cellar", "library", "office")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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
NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
WORDS = (
    "river",
    "candle",
    "garden",
    "window",
    "yellow",
    "market",
    "pencil",
    "summer",
    "bottle",
    "winter",
    "bridge",
    "doctor",
    "flower",
    "island",
    "button",
    "camera",
    "forest",
    "guitar",
    "hammer",
    "jacket",
    "kitten",
    "ladder",
    "mirror",
    "needle",
    "orange",
    "planet",
    "rabbit",
    "silver",
    "tomato",
    "violin",
)
TOPICS = (
    "cats",
    "the sea",
    "school",
    "rain",
    "football",
    "bread",
    "music",
    "trees",
    "the moon",
    "trains",
    "coffee",
    "birds",
    "snow",
    "books",
    "horses",
    "a garden",
    "the city",
    "a birthday",
    "the kitchen",
    "winter",
    "bicycles",
    "a teacher",
    "a lake",
    "shoes",
)


def _sum(random: Random) -> tuple[str, str]:
    a, b = random.randint(2, 12), random.randint(2, 9)
    return random.choice((f"What is {a} plus {b}?", f"{a} + {b} = ?", f"Add {a} and {b}.")), str(a + b)


def _next_day(random: Random) -> tuple[str, str]:
    i = random.randrange(7)
    return random.choice((f"Which day comes after {DAYS[i]}?", f"Today is {DAYS[i]}. Which day is tomorrow?")), DAYS[
        (i + 1) % 7
    ]


def _next_month(random: Random) -> tuple[str, str]:
    i = random.randrange(12)
    return random.choice(
        (f"Which month comes after {MONTHS[i]}?", f"Name the month that follows {MONTHS[i]}.")
    ), MONTHS[(i + 1) % 12]


def _next_number(random: Random) -> tuple[str, str]:
    start, by = random.randint(1, 20), random.choice((1, 2, 3, 5, 10))
    row = ", ".join(str(start + by * i) for i in range(4))
    return f"Which number comes next: {row}?", str(start + by * 4)


def _digits(random: Random) -> tuple[str, str]:
    n = random.randint(2, 20)
    return random.choice((f"Write '{NUMBERS[n]}' as digits.", f"Which number is '{NUMBERS[n]}' in digits?")), str(n)


def _holder(random: Random) -> tuple[str, str]:
    names, things = random.sample(NAMES, 3), random.sample(THINGS, 3)
    said = " ".join(f"{name} has a {thing}." for name, thing in zip(names, things, strict=True))
    i = random.randrange(3)
    return f"{said} Who has the {things[i]}?", names[i]


def _colour(random: Random) -> tuple[str, str]:
    things, colours = random.sample(THINGS, 3), random.sample(COLOURS, 3)
    said = " ".join(f"The {thing} is {colour}." for thing, colour in zip(things, colours, strict=True))
    i = random.randrange(3)
    return f"{said} What colour is the {things[i]}?", colours[i]


def _where(random: Random) -> tuple[str, str]:
    names, places = random.sample(NAMES, 3), random.sample(PLACES, 3)
    said = " ".join(f"{name} is in the {place}." for name, place in zip(names, places, strict=True))
    i = random.randrange(3)
    return f"{said} Where is {names[i]}?", places[i]


QUESTIONS: tuple[Callable[[Random], tuple[str, str]], ...] = (
    _sum,
    _next_day,
    _next_month,
    _next_number,
    _digits,
    _holder,
    _colour,
    _where,
    _holder,
    _colour,
    _where,
    _sum,
)
SHORT = ("Answer with one word or number only.", "Give only the answer, nothing else.", "Reply with the answer alone.")


def make_answer(random: Random, tier: Tier, number: int) -> Item:
    """A cluster is one kind of question asked of the same thing."""
    question, answer = QUESTIONS[number % len(QUESTIONS)](random)
    return Item(
        f"{question} {random.choice(SHORT)}",
        answer,
        f"{QUESTIONS[number % len(QUESTIONS)].__name__[1:]}-{question.split()[-1]}-{answer}",
    )


def solve_answer(prompt: str) -> str:
    """From the text alone."""
    question = prompt
    for ask in SHORT:
        question = question.removesuffix(f" {ask}")
    if found := re.search(r"(\d+) (?:plus|\+|and) (\d+)", question):
        return str(sum(int(n) for n in found.groups()))
    for names in (DAYS, MONTHS):
        here = [name for name in names if re.search(rf"\b{name}\b", question)]
        if here:
            return [*names, names[0]][names.index(here[0]) + 1]
    if "comes next" in question:
        *_, a, b = (int(n) for n in re.findall(r"\d+", question))
        return str(2 * b - a)
    if found := re.search(r"'(\w+)'", question):
        return str(NUMBERS.index(found.group(1)))
    for pattern in (r"(\w+) has a (\w+)\.", r"The (\w+) is (\w+)\.", r"(\w+) is in the (\w+)\."):
        pairs = re.findall(pattern, question)
        if pairs and "has a" in pattern:
            return next(name for name, thing in pairs if question.endswith(f" {thing}?"))
        if pairs:
            return next(value for key, value in pairs if question.endswith(f" {key}?"))
    raise ValueError(question)


def _one_word(random: Random) -> tuple[str, list[dict[str, object]]]:
    topic, _ = _topic(random)
    word = random.choice([word for word in WORDS if word not in topic])
    return f"Write one sentence about {topic} with the word '{word}' in it.", [_holding(word)]


def _two_words(random: Random) -> tuple[str, list[dict[str, object]]]:
    first, second = random.sample(WORDS, 2)
    asked = random.choice(
        ("Write one sentence with the words '{a}' and '{b}'.", "Use '{a}' and '{b}' in one sentence.")
    )
    return asked.format(a=first, b=second), [_holding(first, second)]


def _journey(random: Random) -> tuple[str, list[dict[str, object]]]:
    name, place, thing = random.choice(NAMES), random.choice(PLACES), random.choice(THINGS)
    asked = f"Write one sentence in which {name} brings a {thing} to the {place}."
    return asked, [_holding(name, thing, place)]


def _question(random: Random) -> tuple[str, list[dict[str, object]]]:
    topic, stem = _topic(random)
    words = random.choice(
        (
            "Ask a question about {t}. Write only the question.",
            "Write one question about {t}.",
            "Ask me something about {t}.",
        )
    )
    asked = words.format(t=topic)
    return asked, [{"scorer": "regex", "reference": rf"(?i)\A[^?\n]*{stem}[^?\n]*\?\W*\Z"}]


def _brief(random: Random) -> tuple[str, list[dict[str, object]]]:
    (topic, stem), most = _topic(random), random.choice((10, 12, 15))
    asked = f"Write about {topic} in at most {most} words."
    length: dict[str, object] = {"scorer": "length", "least_words": 2, "most_words": most}
    return asked, [length, {"scorer": "regex", "reference": f"(?i){stem}"}]


def _three(random: Random) -> tuple[str, list[dict[str, object]]]:
    topic, stem = _topic(random)
    words = random.choice(
        ("Name three facts about {t}", "Write three short lines about {t}", "Give three ideas about {t}")
    )
    asked = f"{words.format(t=topic)}, as a list with the numbers 1., 2. and 3."
    return asked, [{"scorer": "regex", "reference": rf"(?s)(?i:(?=.*{stem}))\A\s*1\. .*\n\s*2\. .*\n\s*3\. "}]


def _topic(random: Random) -> tuple[str, str]:
    """A topic, and the beginning of its word."""
    topic = random.choice(TOPICS)
    return topic, topic.split()[-1].rstrip("s")[:6]


def _holding(*phrases: str) -> dict[str, object]:
    return {"scorer": "required_phrase", "phrases": list(phrases), "partial_credit": False}


DEMANDS: tuple[Callable[[Random], tuple[str, list[dict[str, object]]]], ...] = (
    _one_word,
    _two_words,
    _journey,
    _question,
    _brief,
    _three,
)


def make_instruction(random: Random, tier: Tier, number: int) -> Item:
    """A cluster is a kind of demand with one topic, word or place."""
    make = DEMANDS[number % len(DEMANDS)]
    asked, checks = make(random)
    about = re.findall(r"'(\w+)'|about ([\w ]+?)(?= in at|\.|,)|brings a (\w+)", asked)[0]
    return Item(asked, json.dumps(checks), f"{make.__name__[1:]}-{next(filter(None, about))}")
