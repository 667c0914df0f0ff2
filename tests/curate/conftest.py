"""Records for the tests of curate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from assay.records import Message, Record, Source, record_id, row_id

Make = Callable[..., Record]


@pytest.fixture
def make() -> Make:
    """make(user, assistant, ...turns, system=..., tools=..., origin=...): each call is the next line of a.jsonl."""
    lines = 0

    def build(*turns: str | Message, system: str | None = None, tools: Iterable[Any] = (), **rest: Any) -> Record:
        nonlocal lines
        lines += 1
        messages = [Message("system", system)] if system is not None else []
        for position, turn in enumerate(turns):
            role = "user" if position % 2 == 0 else "assistant"
            messages.append(turn if isinstance(turn, Message) else Message(role, turn))
        declared = tuple(tools)
        return Record(
            record_id(messages, declared),
            row_id("test", lines),
            tuple(messages),
            Source("a.jsonl", lines, lines - 1),
            declared,
            **rest,
        )

    return build
