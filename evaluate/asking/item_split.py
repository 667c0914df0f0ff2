"""Which items choose among candidates, and which judge the one that was chosen: never the same.

Who picks the best of many candidates by the items that then judge it, picks luck too. An item's part follows from what
it asks, or from its cluster, whose items share a passage: it stays where it is when the suite is shuffled or grows,
and the same question in two suites falls into the same part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, TypeAlias

from assay.errors import SuiteError
from assay.text import normalize

from .examination import Examination, Item

ItemPart: TypeAlias = Literal["all", "selection", "gate"]

SELECTION = 128
"""Of the 256 values of a digest's first byte: half of the items select."""


def part_of(item: Item) -> ItemPart:
    """selection or gate."""
    return part_by(item.text, item.cluster)


def part_by(text: str, cluster: str | None) -> ItemPart:
    """Of an item that asks this text."""
    by = f"text\0{normalize(text)}" if cluster is None else f"cluster\0{cluster}"
    first = hashlib.sha256(by.encode("utf-8", "backslashreplace")).digest()[0]
    return "selection" if first < SELECTION else "gate"


def numbers_in(examination: Examination, part: ItemPart, limit: int | None) -> list[int]:
    """Numbers of the items of that part, from the front. Raises SuiteError where there is none."""
    items: Sequence[Item] = examination.items
    numbers = [number for number, item in enumerate(items) if part == "all" or part_of(item) == part]
    if not numbers:
        raise SuiteError(
            f"none of its {len(items)} items falls into the {part} part", where=f"suite {examination.name}",
            fix="score it with --items all, or give it more items",
        )  # fmt: skip
    return numbers[:limit]


def overlap(one: str, other: str) -> bool:
    """Whether two evaluations of one suite, on these parts, share items."""
    return "all" in (one, other) or one == other
