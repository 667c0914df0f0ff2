"""The texts of presidio-research (`pii_safety/presidio_research`), in which names, places and dates are marked."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.contradiction_sets.changes import with_other_date
from benchmarks.contradiction_sets.item import Item

ENTITIES = ("PERSON", "GPE", "ORGANIZATION")
ASKED = "What does note {} say?"


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    path = folder / "pii_safety/presidio_research/data/synth_dataset_v2.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    pool: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for span in row["spans"]:
            pool[span["entity_type"]].append(span["entity_value"])
    for number, row in enumerate(rows):
        text, prompt = row["full_text"], ASKED.format(number)
        if (changed := with_other_date(text, chance)) is not None:
            yield Item("date", "presidio", prompt, text, changed)
        spans = [span for span in row["spans"] if text.count(span["entity_value"]) == 1]
        for kind in ENTITIES:
            own = [span["entity_value"] for span in spans if span["entity_type"] == kind]
            if own and text != own[0]:
                others = [name for name in pool[kind] if not set(name.split()) & set(text.split())]
                yield Item("entity", "presidio", prompt, text, text.replace(own[0], chance.choice(others)))
        yield from _aliases(prompt, text, spans, chance)


def _aliases(prompt: str, text: str, spans: list[dict[str, Any]], chance: random.Random) -> Iterator[Item]:
    for span in spans:
        name = span["entity_value"]
        if span["entity_type"] == "PERSON" and re.fullmatch(r"[A-ZÀ-Ž]\w+ [A-ZÀ-Ž]\w+", name):
            first, last = name.split()
            short = chance.choice([last, f"{first[0]}. {last}", first])
            yield Item("another form of a name", "presidio", prompt, text, text.replace(name, short))
            yield Item("another form of a name", "presidio", f"Who is meant in it? {text}", name, last)
