"""Test data of a check, in the check's own file: what it must find, and what it must not.

    @record_check(
        severity=Severity.ERROR,
        decision=Decision.DROP,
        examples=(Example(found=[("Name a colour.", "")], not_found=[("Name a colour.", "Blue.")]),),
    )

`check_examples` of testing.py runs a check on its examples; `assay audit --explain CHECK` shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from assay.records import Json, Message, Record, Source, message_from_json, record_id, row_id

Conversation: TypeAlias = "Sequence[str] | Mapping[str, Json]"
"""Turns of user and assistant in turn, or {"messages": [...], "tools": [...]} in OpenAI's shape, with `origin`,
`split` and `meta` where they matter."""


@dataclass(frozen=True)
class Example:
    """One small data set: all its records are looked at together, those of `found` first.

    found       conversations in each of which the check must find something
    not_found   conversations in which it must find nothing (but facts of severity info, which move nothing)
    settings    of the check, where they are not the defaults
    evaluation  prompts of evaluation items, for checks that need them
    """

    found: Sequence[Conversation] = ()
    not_found: Sequence[Conversation] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)
    evaluation: Sequence[str] = ()

    def records(self) -> list[Record]:
        """As lines of example.jsonl."""
        return [_record(given, row) for row, given in enumerate((*self.found, *self.not_found))]

    def lines(self) -> Iterator[str]:
        """For people: one line a conversation."""
        for word, conversations in (("found", self.found), ("not found", self.not_found)):
            for given in conversations:
                yield f"{word:<10} {_line(given)}"


def _record(given: Conversation, row: int) -> Record:
    fields: Mapping[str, Json] = given if isinstance(given, Mapping) else {}
    messages, tools = _messages(given), tuple(fields.get("tools", ()))
    return Record(
        record_id(messages, tools),
        row_id("example", row),
        messages,
        Source("example.jsonl", row + 1, row),
        tools,
        origin=fields.get("origin", "human"),
        meta=fields.get("meta", {}),
        split=fields.get("split", ""),
    )


def _messages(given: Conversation) -> tuple[Message, ...]:
    if isinstance(given, Mapping):
        return tuple(message_from_json(item) for item in given["messages"])
    return tuple(Message(("user", "assistant")[turn % 2], text) for turn, text in enumerate(given))


def _line(given: Conversation) -> str:
    from assay.text import message_text

    return "  ".join(f"{message.role}: {message_text(message)!r}" for message in _messages(given))
