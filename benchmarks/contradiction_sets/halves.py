"""The halves "tune" and "test": rules were tuned on one, and measured on the other more than once while building."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.contradiction_sets import contradictions, hard_negatives
from benchmarks.contradiction_sets.item import Item
from benchmarks.contradiction_sets.real import Real


def build(folder: Path) -> list[Item]:
    """Every item of both halves, the same on each call."""
    data = Real(folder)
    makers = (*contradictions.MAKERS, *hard_negatives.MAKERS)
    found = [item for make in makers for item in make(data, random.Random(f"_{make.__name__}"))]
    return list(dict.fromkeys(item for item in found if item.first.strip() and item.second.strip()))
