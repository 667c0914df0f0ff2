"""What every generator gives, and what it shares: items whose truth is computed, in words that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Literal, NamedTuple, TypeAlias

Tier: TypeAlias = Literal["small", "medium", "large"]

THINK = (
    "Think it through as briefly as you can, then end with a line of the form 'Answer: {form}'.",
    "You may work it out first. The last line must be 'Answer: {form}'.",
    "Reason in a few short steps if that helps; finish with one line 'Answer: {form}'.",
)


class Item(NamedTuple):
    """cluster  items that share a scene or a structure, and so are right and wrong together"""

    prompt: str
    reference: str
    cluster: str


Make: TypeAlias = Callable[[Random, Tier, int], Item]
"""(random numbers, tier, number of the item in its suite) to an item."""

Solve: TypeAlias = Callable[[str], str]
"""The prompt's text to its answer, by another way than the generator took."""


class Kind(NamedTuple):
    """One kind of suite.

    scorer          as in a suite's YAML
    """

    name: str
    title: str
    make: Make
    scorer: dict[str, object]
    max_new_tokens: int


def items(kind: Kind, tier: Tier, count: int) -> Iterator[Item]:
    """The same items for the same arguments; no two with the same prompt."""
    random = Random(f"{tier} {kind.name}")
    seen: set[str] = set()
    while len(seen) < count:
        item = kind.make(random, tier, len(seen))
        if item.prompt not in seen:
            seen.add(item.prompt)
            yield item


def listed(words: list[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
