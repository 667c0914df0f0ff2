"""What follows from stated rules about invented things: chains of implications, with conditions that do not hold."""

from __future__ import annotations

import re
from random import Random

from general_suites.item import THINK, Item, Tier

KINDS = (
    "wug",
    "dax",
    "blicket",
    "fep",
    "toma",
    "zorb",
    "kiki",
    "lorp",
    "mib",
    "nork",
    "plam",
    "quib",
    "rund",
    "sarn",
    "tulv",
    "vesk",
)
TRAITS = (
    "blue",
    "heavy",
    "quiet",
    "round",
    "warm",
    "bright",
    "rough",
    "hollow",
    "sweet",
    "tame",
    "wet",
    "striped",
    "brittle",
    "slow",
    "shiny",
    "curved",
)
NAMES = ("Pim", "Zora", "Mox", "Tavi", "Runa", "Olo", "Fenn", "Kesh", "Bry", "Ulla", "Daro", "Nim")
CHAIN: dict[Tier, tuple[int, int]] = {"medium": (3, 4), "large": (6, 9)}
NOISE: dict[Tier, tuple[int, int]] = {"medium": (1, 3), "large": (4, 7)}
LETTERS = "ABCDEF"

Rule = tuple[tuple[str, ...], str]


def make(random: Random, tier: Tier, number: int) -> Item:
    """Six statements, of which one to five follow; a cluster is one creature with one set of words."""
    while True:
        words = random.sample(KINDS, 6) + random.sample(TRAITS, 9)
        start = {random.choice(words[:6]), *random.sample(words[6:], 1 if tier == "medium" else 2)}
        rules = _chain(random, words, start, random.randint(*CHAIN[tier]))
        rules += [_noise(random, words) for _ in range(random.randint(*NOISE[tier]))]
        holds = closure(rules, start)
        said = {word for conditions, result in rules for word in (*conditions, result)}
        derived, absent = sorted(holds - start), sorted(said - holds)
        k = random.randint(1, 4)
        if k <= len(derived) and 6 - k <= len(absent):
            break
    random.shuffle(rules)
    name = NAMES[number % len(NAMES)]
    stated = random.sample([*random.sample(derived, k), *random.sample(absent, 6 - k)], 6)
    answer = ", ".join(letter for letter, word in zip(LETTERS, stated, strict=True) if word in holds)
    return Item(_text(random, rules, start, stated, name), answer, f"{name}-{'-'.join(sorted(start))}")


def _chain(random: Random, words: list[str], start: set[str], length: int) -> list[Rule]:
    """Each rule can be used once those before it have been."""
    known, rules = set(start), []
    for _ in range(length):
        new = [word for word in words if word not in known]
        if not new:
            break
        conditions = tuple(random.sample(sorted(known), min(len(known), random.choice((1, 1, 2)))))
        rules.append((conditions, random.choice(new)))
        known.add(rules[-1][1])
    return rules


def _noise(random: Random, words: list[str]) -> Rule:
    *conditions, result = random.sample(words, random.choice((2, 3)))
    return tuple(conditions), result


def closure(rules: list[Rule], start: set[str]) -> set[str]:
    """All that follows: rules are applied until nothing new comes."""
    known = set(start)
    while new := {result for conditions, result in rules if known.issuperset(conditions)} - known:
        known |= new
    return known


def _is(word: str) -> str:
    return f"a {word}" if word in KINDS else word


def _text(random: Random, rules: list[Rule], start: set[str], stated: list[str], name: str) -> str:
    lines = [_rule(random, rule) for rule in rules]
    facts = " and ".join(_is(word) for word in sorted(start))
    options = "\n".join(f"{letter}. {name} is {_is(word)}." for letter, word in zip(LETTERS, stated, strict=True))
    how = random.choice(THINK).format(form="LETTER, LETTER, ...")
    ask = random.choice(
        ("Which of these statements must be true, given only what is said above?", "Which of these statements follow?")
    )
    return f"{' '.join(lines)} {name} is {facts}.\n\n{ask}\n{options}\n\nGive all letters that apply. {how}"


def _rule(random: Random, rule: Rule) -> str:
    conditions, result = rule
    if_part = " and ".join(_is(word) for word in conditions)
    form = random.randrange(3)
    if form == 0:
        return f"Whatever is {if_part} is {_is(result)}."
    if form == 1:
        return f"If something is {if_part}, it is {_is(result)}."
    return f"Something is {_is(result)} if it is {if_part}."


def solve(prompt: str) -> str:
    """From the text alone, backwards: each statement is traced to the facts."""
    story = prompt.split("\n\n")[0]
    vocabulary = "|".join((*KINDS, *TRAITS))
    rules: list[tuple[list[str], str]] = []
    facts: set[str] = set()
    for sentence in re.split(r"(?<=\.) ", story):
        words = re.findall(rf"\b(?:{vocabulary})\b", sentence)
        if sentence.startswith(("Whatever", "If")):
            rules.append((words[:-1], words[-1]))
        elif sentence.startswith("Something"):
            rules.append((words[1:], words[0]))
        else:
            facts |= set(words)

    def follows(word: str, open_goals: frozenset[str] = frozenset()) -> bool:
        if word in facts:
            return True
        if word in open_goals:
            return False
        goals = open_goals | {word}
        return any(result == word and all(follows(c, goals) for c in conditions) for conditions, result in rules)

    options = re.findall(rf"^([A-F])\. \w+ is (?:a )?({vocabulary})\.$", prompt, re.MULTILINE)
    return ", ".join(letter for letter, word in options if follows(word))
