"""The fresh part: pairs from records that neither half holds a pair of, and from templates written for it.

It was committed before it was run, and run once. A source all of whose records are in the halves (FEVER, PubMedQA,
TruthfulQA, XSTest, MRPC, PAWS, QQP) has no part in it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from benchmarks.contradiction_sets.fresh import banking77, bbh, cad, choices, gsm8k, instructions, made, presidio
from benchmarks.contradiction_sets.halves import build
from benchmarks.contradiction_sets.item import NEWS, PICTURE, Item

SOURCES = (cad, banking77, gsm8k, bbh, choices, presidio, instructions, made)
WORDS = 4
"""A line of fewer words (a label, a number, yes) is in many records, and is no sign of the same one."""


def build_fresh(folder: Path) -> list[Item]:
    """Every item of the fresh part, the same on each call; nothing in it shares a line of text with the halves."""
    used = lines(build(folder))
    found = [item for source in SOURCES for item in source.make(folder, random.Random(f"fresh {source.__name__}"))]
    whole = [item for item in found if item.first.strip() and item.second.strip() and item.first != item.second]
    return [item for item in dict.fromkeys(whole) if used.isdisjoint(lines([item]))]


def lines(items: Iterable[Item]) -> set[str]:
    """Every line of prompts and answers by which a record is known: of WORDS words and more, folded."""
    found: set[str] = set()
    for item in items:
        for text in (item.prompt, item.second_prompt or "", item.first, item.second):
            if text not in (NEWS, PICTURE):
                folded = (" ".join(line.split()).casefold() for line in text.splitlines())
                found.update(line for line in folded if line.count(" ") >= WORDS - 1)
    return found
