"""banking77 (`domain/banking77`): six in seven rows of its training file, which the halves left, and its test file."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contradiction_sets.item import Item

ASKED = "What does this customer want?\n"
LABELS, FORMATS, INPUTS = 700, 500, 700


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    rows = [row for number, row in enumerate(_rows(folder / "domain/banking77/train.csv")) if number % 7]
    rows += _rows(folder / "domain/banking77/test.csv")
    chance.shuffle(rows)
    names = sorted({row["category"] for row in rows})
    yield from _labels(rows[:LABELS], names, chance)
    yield from _formats(rows[LABELS : LABELS + FORMATS], chance)
    yield from _inputs(rows[LABELS + FORMATS : LABELS + FORMATS + INPUTS])


def _labels(rows: list[dict[str, str]], names: list[str], chance: random.Random) -> Iterator[Item]:
    for row in rows:
        own, prompt = row["category"], ASKED + row["text"]
        yield Item("label", "banking77", prompt, own, chance.choice([name for name in names if name != own]))
        words = own.replace("_", " ")
        forms = [words, own.upper(), f"Category: {words}", f"`{own}`", f"The category is **{words}**.", f"{own}."]
        yield Item("label in other form", "banking77", prompt, own, chance.choice(forms))


def _formats(rows: list[dict[str, str]], chance: random.Random) -> Iterator[Item]:
    for row in rows:
        words = row["category"].replace("_", " ").lower()
        value = {"category": row["category"], "channel": "chat", "urgent": chance.choice([True, False])}
        prompt = f"Sort this message.\n{row['text']}"
        prose = [
            f"It belongs to {words}.",
            f"The customer asks about {words}.",
            f"A case of {words}, I think.",
        ]
        yield Item("format", "banking77", prompt, json.dumps(value), chance.choice(prose))
        turned = dict(reversed(value.items()))
        same = [json.dumps(turned), json.dumps(value, indent=4), f"```json\n{json.dumps(value)}\n```"]
        same.append(json.dumps(value, separators=(",", ":")))
        yield Item("format of the same content", "banking77", prompt, json.dumps(value), chance.choice(same))


def _inputs(rows: list[dict[str, str]]) -> Iterator[Item]:
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        texts = ASKED + one["text"], ASKED + other["text"]
        yield Item("other input", "banking77", texts[0], one["category"], other["category"], texts[1])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
