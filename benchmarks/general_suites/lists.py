"""Words and lists, worked over in a few stated steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from general_suites.item import THINK, Item, Tier

WORDS = (
    "anchor",
    "basket",
    "candle",
    "desert",
    "engine",
    "forest",
    "garden",
    "hammer",
    "island",
    "jacket",
    "kettle",
    "ladder",
    "marble",
    "needle",
    "orange",
    "pepper",
    "quilt",
    "ribbon",
    "saddle",
    "tunnel",
    "umbrella",
    "velvet",
    "window",
    "yogurt",
    "zipper",
    "bridge",
    "copper",
    "dragon",
    "eagle",
    "fiddle",
    "glove",
    "helmet",
    "insect",
    "jungle",
    "kitten",
    "lemon",
    "mirror",
    "novel",
    "oyster",
    "pencil",
    "rabbit",
    "silver",
    "thunder",
    "violin",
    "walnut",
    "barrel",
    "cactus",
    "donkey",
    "falcon",
    "guitar",
)
SIZES: dict[Tier, tuple[int, int]] = {"medium": (4, 6), "large": (8, 11)}
STEPS: dict[Tier, tuple[int, int]] = {"medium": (2, 3), "large": (4, 6)}

Step = tuple[str, Callable[[list[str]], list[str]]]


def _steps(random: Random) -> list[Step]:
    """What may be done to a list, in words and as a function."""
    letter = random.choice("aeiorlnt")
    n = random.randint(2, 3)
    return [
        ("Sort the list alphabetically.", sorted),
        ("Reverse the order of the list.", lambda a: a[::-1]),
        (f"Remove every word that contains the letter '{letter}'.", lambda a: [w for w in a if letter not in w]),
        (f"Keep only the words that contain the letter '{letter}'.", lambda a: [w for w in a if letter in w]),
        ("Move the first word to the end of the list.", lambda a: a[1:] + a[:1]),
        ("Swap the first and the last word.", lambda a: [a[-1], *a[1:-1], a[0]] if len(a) > 1 else a),
        ("Spell every word backwards.", lambda a: [w[::-1] for w in a]),
        (f"Remove the first {n} letters of every word.", lambda a: [w[n:] for w in a]),
        ("Remove every second word of the list, beginning with the second.", lambda a: a[::2]),
        ("Replace every word by its first and its last letter.", lambda a: [w[0] + w[-1] for w in a]),
        (
            "Delete all vowels (a, e, i, o, u) from every word.",
            lambda a: ["".join(c for c in w if c not in "aeiou") for w in a],
        ),
        (
            "Sort the list by the last letter of the words; words with the same last letter keep their order.",
            lambda a: sorted(a, key=lambda w: w[-1]),
        ),
        ("Write the first letter of every word a second time, in front of it.", lambda a: [w[0] + w for w in a]),
        ("Remove the shortest word of the list; if there are several, the first of them.", _without_shortest),
    ]


def _without_shortest(words: list[str]) -> list[str]:
    at = min(range(len(words)), key=lambda i: len(words[i]))
    return words[:at] + words[at + 1 :]


def make(random: Random, tier: Tier, number: int) -> Item:
    """Lists that become too short, or words that become empty, are thrown away."""
    while True:
        words = random.sample(WORDS, random.randint(*SIZES[tier]))
        steps = random.sample(_steps(random), random.randint(*STEPS[tier]))
        found = words
        states = []
        for _, change in steps:
            if found and all(found):
                found = change(found)
            states.append(found)
        sizes = [len(state) for state in states]
        if (
            min(sizes) < 2
            or not all(map(all, states))
            or any(a == b for a, b in zip([words, *states], states, strict=False))
        ):
            continue
        numbered = "\n".join(f"{i}. {said}" for i, (said, _) in enumerate(steps, start=1))
        how = random.choice(THINK).format(form="WORD, WORD, ...")
        begin = random.choice(("Start with this list:", "Here is a list of words:", "Take the following list:"))
        then = random.choice(("Do this, in this order:", "Then carry out these steps one after the other:"))
        prompt = f"{begin} {', '.join(words)}\n\n{then}\n{numbered}\n\nWhich list is left at the end?\n{how}"
        return Item(prompt, ", ".join(found), f"{steps[0][0][:24]} {steps[1][0][:24]} {len(words)}")


def solve(prompt: str) -> str:
    """From the text alone; every step is done letter by letter, without the generator's functions."""
    words = re.split(", ", prompt.split("\n")[0].split(": ")[1])
    for said in re.findall(r"^\d+\. (.*)$", prompt, re.MULTILINE):
        words = _done(said, words)
    return ", ".join(words)


def _done(said: str, words: list[str]) -> list[str]:
    letter = (re.findall(r"letter '(\w)'", said) or [""])[0]
    if said.startswith("Sort the list a"):
        left, out = list(words), []
        while left:
            least = min(left)
            left.remove(least)
            out.append(least)
        return out
    if said.startswith("Sort the list by"):
        return [word for end in "abcdefghijklmnopqrstuvwxyz" for word in words if word.endswith(end)]
    if said.startswith("Reverse"):
        return list(reversed(words))
    if said.startswith("Remove every word"):
        return list(filter(lambda word: word.find(letter) < 0, words))
    if said.startswith("Keep only"):
        return list(filter(lambda word: word.count(letter) > 0, words))
    if said.startswith("Move the first"):
        return [*words[1:], words[0]]
    if said.startswith("Swap"):
        out = list(words)
        out[0], out[-1] = out[-1], out[0]
        return out
    if said.startswith("Spell"):
        return ["".join(reversed(word)) for word in words]
    if found := re.match(r"Remove the first (\d) letters", said):
        return [re.sub(rf"^.{{{found.group(1)}}}", "", word) for word in words]
    if said.startswith("Remove every second"):
        return [word for i, word in enumerate(words, start=1) if i % 2 == 1]
    if said.startswith("Replace"):
        return [re.sub(r"^(.).*(.)$", r"\1\2", word) if len(word) > 1 else word * 2 for word in words]
    if said.startswith("Delete"):
        return [re.sub("[aeiou]", "", word) for word in words]
    if said.startswith("Write the first"):
        return [re.sub(r"^(.)", r"\1\1", word) for word in words]
    if said.startswith("Remove the shortest"):
        out = list(words)
        out.pop([len(word) for word in words].index(min(len(word) for word in words)))
        return out
    raise ValueError(said)
