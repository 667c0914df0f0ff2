"""Which records a method may start from, and which may be shown together."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from assay.records import Record
from assay.text import prompt_key

CIRCLE = 6
"""Records that may be shown together. A record made from several ties them into one family, which no split may part; so
examples come from one circle, and a family stays as small as that: drawn freely, 60 of them make one family of all."""


def single_turn(record: Record) -> bool:
    """A person's question with its answer, and perhaps a system turn before them."""
    roles = [message.role for message in record.messages if message.role not in ("system", "developer")]
    return (
        roles == ["user", "assistant"]
        and not any(message.tool_calls for message in record.messages)
        and all((message.content or "").strip() for message in record.messages)
    )


def question_of(record: Record) -> str:
    """The last user turn."""
    return next((m.content or "" for m in reversed(record.messages) if m.role == "user"), "")


def shuffled(records: Sequence[Record], seed: int) -> list[Record]:
    """The same order for the same records and seed."""
    order = list(records)
    random.Random(seed).shuffle(order)
    return order


def circles(records: Sequence[Record], seed: int, size: int = CIRCLE) -> list[list[Record]]:
    """Groups of at most `size` records and a family, of one split each; families are never parted.

    Records with the same prompt are one family to `assay.families`, and so they are here.
    """
    families: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        families.setdefault((record.split, record.family or prompt_key(record)), []).append(record)
    order = list(families.items())
    random.Random(seed).shuffle(order)
    found: list[list[Record]] = []
    filling: dict[str, list[Record]] = {}
    for (split, _), members in order:
        circle = filling.setdefault(split, [])
        if circle and len(circle) + len(members) > size:
            found.append(circle)
            circle = filling[split] = []
        circle.extend(members)
    return found + [circle for circle in filling.values() if circle]


def rounds_of(
    circled: Sequence[Sequence[Record]], shown: int, seed: int, times: int
) -> Iterator[tuple[int, list[Record]]]:
    """(sample, examples): `times` draws from each circle, all circles before the next draw from the first."""
    draw = random.Random(seed)
    for sample in range(times):
        for circle in circled:
            yield sample, draw.sample(list(circle), min(shown, len(circle)))
