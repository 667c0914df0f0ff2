"""CAD (`pairs/cad_nli`): what the halves did not draw of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contradiction_sets.item import PICTURE, Item


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    """Every labelled pair; those that the halves hold are taken out afterwards (see hold_out.py)."""
    rows: list[tuple[str, ...]] = []
    for path in sorted((folder / "pairs/cad_nli/all_combined").glob("*.tsv")):
        rows += [tuple(line.split("\t")) for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    for one, other, label in rows:
        yield Item("free" if label == "contradiction" else f"{label} (CAD)", "cad", PICTURE, one, other)
