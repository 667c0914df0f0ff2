"""GSM8K (`general/gsm8k`): the questions of its test file that the halves hold no pair of."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contradiction_sets.changes import with_other_number
from benchmarks.contradiction_sets.item import Item


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    lines = (folder / "general/gsm8k/test.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        solution, _, result = row["answer"].rpartition("#### ")
        solution = re.sub(r"<<.*?>>", "", solution)
        other = str(int(result.replace(",", "")) + chance.choice([3, 4, 20, 100]))
        yield Item(
            "number", "gsm8k", row["question"], f"{solution}So the result is {result}.", f"The result is {other}."
        )
        yield Item("number", "gsm8k", row["question"] + "\nOnly the number, please.", result, other)
        yield Item(
            "right in other words", "gsm8k", row["question"], f"{solution}So it is {result}.", f"It is {result}."
        )
        if (changed := with_other_number(row["question"], chance)) is not None:
            yield Item("another prompt by one word", "gsm8k", row["question"], f"{result}.", f"{other}.", changed)
