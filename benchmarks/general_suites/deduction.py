"""Who stands where in a row: clues that leave one order, which is found by trying all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import permutations
from random import Random
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from general_suites.item import THINK, Item, Tier, listed

NAMES = (
    "Anna",
    "Boris",
    "Clara",
    "David",
    "Elif",
    "Farid",
    "Greta",
    "Hugo",
    "Irene",
    "Jonas",
    "Karim",
    "Lucia",
    "Milan",
    "Nadia",
    "Oskar",
    "Petra",
    "Rosa",
    "Samir",
    "Tilda",
    "Viktor",
)
THEMES = (
    "{names} stand in a queue.",
    "{names} ran a race, and no two finished at the same time.",
    "{names} live in the houses of one row, one in each.",
    "{names} gave their talks one after the other.",
    "{names} sit side by side on a bench.",
    "{names} were born in different years.",
    "{names} perform on one evening, each once.",
    "{names} have lockers next to each other in one row.",
    "{names} see the doctor one after the other.",
    "{names} walk along a narrow path in single file.",
    "{names} handed in their essays one by one.",
    "{names} each have a shelf in one long rack.",
    "{names} arrived at the party at different times.",
    "{names} painted the panels of one fence, one panel each.",
    "{names} are on a waiting list.",
    "{names} each keep a boat at one long jetty.",
    "{names} sing one song each at a contest.",
    "{names} rang the bell at different times.",
    "{names} have desks in one row.",
    "{names} climbed the tower one after the other.",
    "{names} each wrote one chapter of a book.",
    "{names} take the exam on different days.",
    "{names} were the first to call, one after the other.",
    "{names} planted one tree each along a straight road.",
)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
SIZES: dict[Tier, tuple[int, ...]] = {"medium": (4, 5, 5), "large": (6, 7, 7)}

Places: TypeAlias = "npt.NDArray[Any]"


class Clue(NamedTuple):
    """holds  [orders] for the places of each name, [orders], 0 the first"""

    words: str
    holds: Callable[[dict[str, Places]], Places]


def _clues(order: Sequence[str], tier: Tier) -> list[Clue]:
    """Every clue of a few forms that is true of the order. Pairs are named in both directions."""
    at = {name: np.array(place) for place, name in enumerate(order)}
    found = [clue for a in order for b in order if a != b for clue in _pair(a, b, tier)]
    found += [clue for a in order for clue in _single(a, len(order), tier)]
    return [clue for clue in found if clue.holds(at)]


def _pair(a: str, b: str, tier: Tier) -> list[Clue]:
    clues = [
        Clue(f"{a} comes somewhere before {b}.", lambda at: at[a] < at[b]),
        Clue(f"{a} comes somewhere after {b}.", lambda at: at[a] > at[b]),
        Clue(f"{a} and {b} are not next to each other.", lambda at: abs(at[a] - at[b]) != 1),
        Clue(f"Exactly one other comes between {a} and {b}.", lambda at: abs(at[a] - at[b]) == 2),
    ]
    if tier == "medium":
        return [*clues, Clue(f"{a} comes directly before {b}.", lambda at: at[b] - at[a] == 1)]
    return [
        *clues,
        Clue(f"{a} and {b} are next to each other.", lambda at: abs(at[a] - at[b]) == 1),
        Clue(f"Exactly two others come between {a} and {b}.", lambda at: abs(at[a] - at[b]) == 3),
    ]


def _single(a: str, size: int, tier: Tier) -> list[Clue]:
    clues = [
        Clue(f"{a} is neither first nor last.", lambda at: (at[a] > 0) & (at[a] < size - 1)),
        Clue(f"{a} is at one of the two ends.", lambda at: (at[a] == 0) | (at[a] == size - 1)),
    ]
    if tier == "large":
        clues.append(Clue(f"The place of {a}, counted from one, is an even number.", lambda at: at[a] % 2 == 1))
    return clues


def make(random: Random, tier: Tier, number: int) -> Item:
    """Clues are added until one order is left, and then every clue that is not needed is taken out."""
    size = random.choice(SIZES[tier])
    order = random.sample(NAMES, size)
    chosen = _enough(_shuffled(random, _clues(order, tier)), order)
    random.shuffle(chosen)
    theme = number % len(THEMES)
    asked = random.sample(range(size), 2)
    intro = THEMES[theme].format(names=listed(sorted(order)))
    places = f"{ORDINALS[asked[0]]} and who is {ORDINALS[asked[1]]}"
    question = f"Counted from the first to the last, who is {places}?"
    how = random.choice(THINK).format(form="NAME, NAME")
    prompt = f"{intro}\n" + "\n".join(f"- {clue.words}" for clue in chosen) + f"\n\n{question}\n{how}"
    return Item(prompt, f"{order[asked[0]]}, {order[asked[1]]}", f"{theme}-{ORDINALS[asked[0]]}-{ORDINALS[asked[1]]}")


def _shuffled(random: Random, clues: list[Clue]) -> list[Clue]:
    return random.sample(clues, len(clues))


def _enough(pool: list[Clue], order: Sequence[str]) -> list[Clue]:
    """Clues of the pool that leave one order, none of which is needless."""
    lines = np.array(list(permutations(range(len(order)))))
    at = {name: lines[:, i] for i, name in enumerate(order)}
    left = np.ones(len(lines), dtype=bool)
    chosen: list[tuple[Clue, Places]] = []
    for clue in pool:
        holds = clue.holds(at)
        if (left & holds).sum() < left.sum():
            chosen.append((clue, holds))
            left = left & holds
        if left.sum() == 1:
            break
    for pair in list(chosen):
        others = [other for other in chosen if other is not pair]
        if np.logical_and.reduce([holds for _, holds in others]).sum() == 1:
            chosen = others
    return [clue for clue, _ in chosen]


def solve(prompt: str) -> str:
    """From the text alone, by trying every order; raises ValueError unless exactly one agrees with every line."""
    names = re.findall("|".join(NAMES), prompt.split("\n")[0])
    rules = [_rule(clue, len(names)) for clue in re.findall(r"^- (.*)$", prompt, re.MULTILINE)]
    fitting = []
    for line in permutations(names):
        if all(rule(line) for rule in rules):
            fitting.append(line)
    if len(fitting) != 1:
        raise ValueError(f"{len(fitting)} orders fit")
    first, second = (ORDINALS.index(word) for word in re.findall(r"who is (\w+)", prompt))
    return f"{fitting[0][first]}, {fitting[0][second]}"


def _rule(clue: str, size: int) -> Callable[[Sequence[str]], bool]:
    names = re.findall("|".join(NAMES), clue)
    a, b = names[0], names[-1]
    rules: dict[str, Callable[[Sequence[str]], bool]] = {
        "somewhere before": lambda line: b in line[line.index(a) + 1 :],
        "somewhere after": lambda line: b in line[: line.index(a)],
        "not next to": lambda line: abs(line.index(a) - line.index(b)) > 1,
        "are next to": lambda line: abs(line.index(a) - line.index(b)) == 1,
        "one other comes between": lambda line: abs(line.index(a) - line.index(b)) == 2,
        "two others come between": lambda line: abs(line.index(a) - line.index(b)) == 3,
        "directly before": lambda line: line.index(a) + 1 == line.index(b),
        "neither first nor last": lambda line: a in line[1:-1],
        "two ends": lambda line: a in (line[0], line[-1]),
        "even number": lambda line: a in line[1::2],
    }
    return next(rule for words, rule in rules.items() if words in clue)
