"""A record as questions and answers, which is how most checks of answers look at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from assay.records import Record


class Exchange(NamedTuple):
    """An assistant turn with text in it, and the text of the last user turn before it ("" where there is none).

    turn is the place of the assistant turn among the messages.
    """

    turn: int
    question: str
    answer: str


def exchanges(record: Record) -> Iterator[Exchange]:
    """In order; assistant turns without text are passed over."""
    question = ""
    for index, message in enumerate(record.messages):
        if message.role == "user":
            question = message.content or ""
        elif message.role == "assistant" and message.content:
            yield Exchange(index, question, message.content)


def before(record: Record, index: int) -> str:
    """The text of everything that was said, or set, before message `index`: system turns and tool results too."""
    return "\n".join(message.content for message in record.messages[:index] if message.content)
