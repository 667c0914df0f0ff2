"""ARC-Challenge and OpenBookQA (`general/llm_adapters_benchmarks`): the right choice, and a wrong one."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contradiction_sets.changes import denial, names_in, with_other_number
from benchmarks.contradiction_sets.item import Item

SHORT, LONG = 3, 6
"""Words: choices of up to so many stand for names and things, those of so many and more for sentences."""


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    words: list[str] = []
    asked: list[tuple[str, str]] = []
    for name in ("ARC-Challenge", "openbookqa"):
        path = folder / f"general/llm_adapters_benchmarks/{name}/test.json"
        for row in json.loads(path.read_text(encoding="utf-8")):
            question, choices, right = _parsed(row)
            if question and len(choices) > 1 and right:
                asked.append((name, question))
                words += re.findall(r"\b[a-z]{5,9}\b", question)
                yield from _pairs(name, question, choices, right, chance)
    for name, question in asked:
        for changed in _changed(question, sorted(set(words)), chance):
            yield Item("another prompt by one word", name, question, "Yes.", "No.", changed)


def _pairs(name: str, question: str, choices: list[str], right: str, chance: random.Random) -> Iterator[Item]:
    wrong = chance.choice([choice for choice in choices if choice != right])
    listed = "\n".join(f"- {choice}" for choice in choices)
    yield Item("label", name, f"{question}\nChoose one:\n{listed}", right, wrong)
    size = len(right.split())
    if size <= SHORT:
        yield Item("entity", name, question, right, wrong)
    elif size >= LONG:
        yield Item("free", name, question, right, wrong)
        if (denied := denial(right)) is not None:
            yield Item("polarity", f"{name}, denied", question, right, denied)
    if size >= SHORT:
        bare = right.rstrip(".")
        told = chance.choice([f"**{bare}**", f"The answer: {bare}.", f"{bare}, of the {len(choices)} choices."])
        yield Item("right in other words", name, question, right, told)


def _changed(question: str, words: list[str], chance: random.Random) -> Iterator[str]:
    found = [with_other_number(question, chance), denial(question)]
    content = re.findall(r"\b[a-z]{5,9}\b", question)
    if content:
        found.append(re.sub(rf"\b{content[0]}\b", chance.choice(words), question, count=1))
    for name in names_in(question)[:1]:
        found.append(question.replace(name, chance.choice(["Norwich", "Tanaka", "Mars", "Ellen"])))
    yield from (changed for changed in found if changed is not None and changed != question)


def _parsed(row: dict[str, str]) -> tuple[str, list[str], str]:
    """Question, choices, and the right one; "" where the row is cut otherwise."""
    body = row["instruction"].partition("to the question: ")[2].partition("\n\nAnswer format")[0]
    question, _, listed = body.partition("\n\n")
    choices = [choice.strip() for choice in re.split(r"\s*Answer\d: ", listed) if choice.strip()]
    number = int(row["answer"].removeprefix("answer")) - 1 if row["answer"].startswith("answer") else -1
    return question.strip(), choices, choices[number] if 0 <= number < len(choices) else ""
