"""Records for the tests of reviews."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.records import Message, Record, Source, record_id, row_id

Make = Callable[..., Record]


@pytest.fixture
def make() -> Make:
    """make(user, assistant, ...turns): each call is the next line of a.jsonl."""
    lines = 0

    def build(*turns: str, **rest: Any) -> Record:
        nonlocal lines
        lines += 1
        messages = tuple(Message("assistant" if place % 2 else "user", turn) for place, turn in enumerate(turns))
        source = Source("a.jsonl", lines, lines - 1)
        return Record(record_id(messages), row_id("test", lines), messages, source, **rest)

    return build


@pytest.fixture
def generated() -> Callable[..., Record]:
    """generated(number, method=..., **facts): a record that a model wrote, as generation leaves it."""

    def build(number: int, method: str = "paraphrase", answer: str = "", **facts: Any) -> Record:
        messages = (
            Message("user", f"Where is parcel BW-{number}?"),
            Message("assistant", answer or f"Parcel {number} left on Monday."),
        )
        lineage = {"method": method, "model": "m-1", "checks": ["template"], "facts": facts, "sources": []}
        return Record(
            record_id(messages),
            row_id("synth", number),
            messages,
            Source(f"synth:{method}", None, number),
            origin="synthetic",
            parents=("5eed000000000001",),
            meta={"synth": lineage},
        )

    return build
