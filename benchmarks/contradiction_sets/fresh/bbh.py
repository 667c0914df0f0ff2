"""Tasks of BIG-Bench Hard (`general/bbh`) that are answered by yes or no, true or false, a date, or a label."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contradiction_sets.item import Item

SAID = {
    "causal_judgement": ("{}.", "{}, a typical person would say so.", "{}; that is how most people see it."),
    "navigate": ("{}.", "{}. The steps were followed one by one.", "The answer is {}."),
    "sports_understanding": ("{}.", "{}, judging by the sport.", "I would say {}."),
    "boolean_expressions": ("{}", "{}.", "The value is {}."),
    "formal_fallacies": ("{}", "{}.", "The argument is {}."),
}
KINDS = {"boolean_expressions": "label", "formal_fallacies": "label"}
OTHER = {"yes": "no", "no": "yes", "True": "False", "False": "True", "valid": "invalid", "invalid": "valid"}


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    for task, said in SAID.items():
        kind = KINDS.get(task, "polarity")
        for row in _examples(folder, task):
            question = row["input"].split("\nOptions:")[0]
            target = row["target"].lower() if kind == "polarity" else row["target"]
            first, second = chance.sample(said, 2)
            yield Item(kind, task, question, _say(first, target), _say(second, OTHER[target]))
            negative = "same polarity" if kind == "polarity" else "label in other form"
            yield Item(negative, task, question, _say(said[0], target), _say(chance.choice(said[1:]), target))
    for row in _examples(folder, "date_understanding"):
        question, _, options = row["input"].partition("\nOptions:\n")
        dates = dict(re.findall(r"(\([A-F]\)) (\S+)", options))
        right = dates.pop(row["target"])
        yield Item("date", "date_understanding", question, right, chance.choice(sorted(dates.values())))


def _say(form: str, target: str) -> str:
    return form.format(target.title() if form.startswith("{}") and target in ("yes", "no") else target)


def _examples(folder: Path, task: str) -> list[dict[str, str]]:
    body = json.loads((folder / f"general/bbh/bbh/{task}.json").read_text(encoding="utf-8"))
    return list(body["examples"])
