"""Stock that comes and goes in two places: arithmetic in several steps, with sentences that change nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from general_suites.item import THINK, Item, Tier

SCENES = (
    ("the shop", "the back room", "jars"),
    ("the north barn", "the south barn", "bales"),
    ("the upper drawer", "the lower drawer", "buttons"),
    ("the harbour depot", "the hill depot", "sacks"),
    ("the red bin", "the blue bin", "tiles"),
    ("the day ward", "the night ward", "blankets"),
    ("the first greenhouse", "the second greenhouse", "seedlings"),
    ("the main hall", "the side hall", "chairs"),
    ("the old cellar", "the new cellar", "bottles"),
    ("the workshop", "the garage", "screws"),
    ("the kitchen", "the pantry", "plates"),
    ("the lending hall", "the reading room", "books"),
    ("the east store", "the west store", "barrels"),
    ("the wardrobe", "the prop store", "masks"),
    ("the pond", "the tank", "fish"),
    ("the left tray", "the right tray", "coins"),
    ("the school office", "the gym", "badges"),
    ("the bakery", "the oven room", "rolls"),
    ("the print shop", "the post room", "envelopes"),
    ("the tool shed", "the orchard hut", "ladders"),
    ("the camp kitchen", "the supply tent", "tins"),
    ("the museum shop", "the museum attic", "postcards"),
    ("the ferry hold", "the pier hut", "parcels"),
    ("the market stall", "the van", "melons"),
    ("the studio", "the gallery", "frames"),
    ("the library cart", "the returns box", "magazines"),
    ("the chapel", "the vestry", "candles"),
    ("the upper lab", "the lower lab", "flasks"),
    ("the stable", "the paddock store", "buckets"),
    ("the hotel lobby", "the laundry", "towels"),
)
PEOPLE = ("Mara", "Tomas", "Ines", "Kofi", "Lena", "Ravi", "Odile", "Bruno", "Yara", "Stellan")
IDLE = (
    "{who} drinks {n} cups of tea that day.",
    "A clock near {a} is {n} minutes slow.",
    "A visitor asks for {n} {u}, but leaves without any.",
    "{who} counts everything {n} times and finds no mistake.",
    "An order of {n} more {u} is written down, and then cancelled before anything is sent.",
    "{who} walks past {b} {n} times.",
)


class Step(NamedTuple):
    """words  what is said; after  [in the first place, in the second place] once it has happened"""

    words: str
    after: list[int]


Event = Callable[[Random, list[int], int, tuple[str, str, str]], Step | None]


def _changed(stock: list[int], place: int, value: int) -> list[int]:
    return [value if place == i else kept for i, kept in enumerate(stock)]


def _arrive(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step:
    n = random.randint(11, 89)
    words = random.choice(("{n} {u} are delivered to {p}.", "Someone brings {n} {u} to {p}.", "{p} receives {n} {u}."))
    return Step(_say(words, p=scene[at], u=scene[2], n=n), _changed(stock, at, stock[at] + n))


def _crates(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step:
    k, n = random.randint(3, 9), random.randint(6, 24)
    words = random.choice(("{k} boxes of {n} {u} each arrive in {p}.", "{k} helpers each carry {n} {u} into {p}."))
    return Step(_say(words, p=scene[at], u=scene[2], n=n, k=k), _changed(stock, at, stock[at] + k * n))


def _leave(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step | None:
    if stock[at] < 25:
        return None
    n = random.randint(5, min(90, stock[at] - 5))
    words = random.choice(("{n} {u} are taken out of {p} for good.", "{n} {u} in {p} turn out broken and are removed."))
    return Step(_say(words, p=scene[at], u=scene[2], n=n), _changed(stock, at, stock[at] - n))


def _double(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step | None:
    if not 10 <= stock[at] <= 400:
        return None
    words = random.choice(("A large delivery doubles the number of {u} in {p}.", "The stock of {p} doubles."))
    return Step(_say(words, p=scene[at], u=scene[2]), _changed(stock, at, stock[at] * 2))


def _share(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step | None:
    shares = {"Half": 2, "A third": 3, "A quarter": 4, "A fifth": 5}
    fitting = [name for name, by in shares.items() if stock[at] % by == 0 and stock[at] // by >= 4]
    if not fitting:
        return None
    name = random.choice(fitting)
    words = random.choice(("{name} of the {u} in {p} are sent back.", "{name} of the {u} in {p} are given away."))
    return Step(
        _say(words, p=scene[at], u=scene[2], name=name), _changed(stock, at, stock[at] - stock[at] // shares[name])
    )


def _move(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step | None:
    if stock[at] < 20:
        return None
    n = random.randint(5, min(80, stock[at] - 5))
    words = random.choice(("{n} {u} are moved from {p} to {q}.", "From {p}, {n} {u} are carried over to {q}."))
    after = [stock[0], stock[1]]
    after[at], after[1 - at] = stock[at] - n, stock[1 - at] + n
    return Step(_say(words, p=scene[at], q=scene[1 - at], u=scene[2], n=n), after)


def _match(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step | None:
    if stock[1 - at] > 400:
        return None
    words = "As many {u} as there are in {q} at that moment are newly delivered to {p}."
    return Step(_say(words, p=scene[at], q=scene[1 - at], u=scene[2]), _changed(stock, at, sum(stock)))


def _percent(random: Random, stock: list[int], at: int, scene: tuple[str, str, str]) -> Step | None:
    fitting = [share for share in (10, 15, 20, 30, 40, 60) if stock[at] * share % 100 == 0 and stock[at] >= 40]
    if not fitting:
        return None
    share = random.choice(fitting)
    words = random.choice(("{n} percent of the {u} in {p} are sold.", "{n} percent of the {u} in {p} are thrown away."))
    return Step(
        _say(words, p=scene[at], u=scene[2], n=share), _changed(stock, at, stock[at] - stock[at] * share // 100)
    )


EVENTS: dict[Tier, tuple[Event, ...]] = {
    "medium": (_arrive, _crates, _leave, _double, _share, _move),
    "large": (_arrive, _crates, _leave, _double, _share, _move, _match, _percent, _percent),
}
STEPS: dict[Tier, tuple[int, int]] = {"medium": (3, 8), "large": (9, 14)}
IDLE_STEPS: dict[Tier, tuple[int, int]] = {"medium": (0, 2), "large": (1, 4)}


def _say(words: str, **names: object) -> str:
    said = words.format(**names)
    return said[0].upper() + said[1:]


def make(random: Random, tier: Tier, number: int) -> Item:
    """The answer is kept up with step by step."""
    scene = SCENES[number % len(SCENES)]
    who = random.choice(PEOPLE)
    stock = [random.randint(20, 120), random.randint(20, 120)]
    lines = [_opening(random, scene, stock, who)]
    for _ in range(random.randint(*STEPS[tier])):
        step = None
        while step is None or max(step.after) > 2000:
            step = random.choice(EVENTS[tier])(random, stock, random.randrange(2), scene)
        lines.append(step.words)
        stock = step.after
    for _ in range(random.randint(*IDLE_STEPS[tier])):
        idle = random.choice(IDLE).format(who=who, a=scene[0], b=scene[1], u=scene[2], n=random.randint(3, 60))
        lines.insert(random.randint(1, len(lines)), idle)
    asked = number // len(SCENES) % 4
    question, answer = _question(asked, scene, stock)
    prompt = f"{' '.join(lines)} {question}\n\n{random.choice(THINK).format(form='NUMBER')}"
    return Item(prompt, str(answer), f"{scene[2]}-{asked}")


def _opening(random: Random, scene: tuple[str, str, str], stock: list[int], who: str) -> str:
    words = random.choice(
        (
            "In the morning there are {x} {u} in {a} and {y} {u} in {b}.",
            "{who} looks after two places: {a}, which holds {x} {u}, and {b}, which holds {y} {u}.",
            "At the start of the week, {a} holds {x} {u}, and {b} holds {y} {u}.",
        )
    )
    return _say(words, a=scene[0], b=scene[1], u=scene[2], x=stock[0], y=stock[1], who=who)


def _question(asked: int, scene: tuple[str, str, str], stock: list[int]) -> tuple[str, int]:
    a, b, unit = scene
    if asked == 0:
        return f"How many {unit} are there in {a} in the end?", stock[0]
    if asked == 1:
        return f"How many {unit} are there in {b} in the end?", stock[1]
    if asked == 2:
        return f"How many {unit} are there in both places together in the end?", sum(stock)
    return f"What is the difference between the numbers of {unit} in {a} and in {b} in the end?", abs(
        stock[0] - stock[1]
    )


def solve(prompt: str) -> str:
    """Reads the text alone: places from the opening, an operation from each sentence, sentence by sentence."""
    story = prompt.split("\n\n")[0]
    sentences = [part.lower() for part in re.split(r"(?<=[.?]) (?=[A-Z0-9])", story)]
    places = re.search(
        r"(?:\d+ \w+ in (the [\w ]+?) and|places: (the [\w ]+?), which|week, (the [\w ]+?) holds)", sentences[0]
    )
    second = re.search(
        r"(?:\d+ \w+ in the [\w ]+? and \d+ \w+ in (the [\w ]+?)\.$|and (the [\w ]+?)(?:, which)? holds)", sentences[0]
    )
    assert places is not None and second is not None
    names = [next(filter(None, places.groups())), next(filter(None, second.groups()))]
    first, other = (int(n) for n in re.findall(r"\d+", sentences[0]))
    held = {names[0]: first, names[1]: other}
    for sentence in sentences[1:-1]:
        _happen(sentence, held, names)
    last = sentences[-1]
    if "difference" in last:
        return str(abs(held[names[0]] - held[names[1]]))
    if "together" in last:
        return str(sum(held.values()))
    return str(held[next(name for name in names if name in last)])


def _happen(sentence: str, held: dict[str, int], names: list[str]) -> None:
    if re.search(r"cups of tea|minutes slow|leaves without|finds no mistake|cancelled|walks past", sentence):
        return
    numbers = [int(n) for n in re.findall(r"\d+", sentence)]
    here = sorted((name for name in names if name in sentence), key=sentence.index)
    if "moved from" in sentence or "carried over" in sentence:
        held[here[0]] -= numbers[0]
        held[here[1]] += numbers[0]
    elif "as many" in sentence:
        held[here[1]] += held[here[0]]
    elif "percent" in sentence:
        held[here[0]] = round(held[here[0]] * (1 - numbers[0] / 100))
    elif "doubles" in sentence:
        held[here[0]] *= 2
    elif found := re.match(r"(half|a third|a quarter|a fifth) of", sentence):
        held[here[0]] -= held[here[0]] // {"half": 2, "a third": 3, "a quarter": 4, "a fifth": 5}[found.group(1)]
    elif "each" in sentence:
        held[here[0]] += numbers[0] * numbers[1]
    elif "taken out" in sentence or "removed" in sentence:
        held[here[0]] -= numbers[0]
    elif re.search(r"delivered to|brings|receives", sentence):
        held[here[0]] += numbers[0]
    else:
        raise ValueError(sentence)
