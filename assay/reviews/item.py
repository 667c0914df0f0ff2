"""What waits for a person: a record, why, and what a decision about it is about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.records import Json, Record
from assay.text import message_text, normalize

from .review import READING, Subject

HIT, ADDED, REMOVED = "hit", "added", "removed"
"""Kinds of marks: what a check points at; words that only this text has; words that the text it replaces had."""


class Mark(NamedTuple):
    """Characters [start, end) of a text, and what they are: HIT, ADDED or REMOVED."""

    start: int
    end: int
    kind: str = HIT


class Turn(NamedTuple):
    """A turn of a conversation, or a passage (role ""), and the places in it that matter."""

    role: str
    text: str
    marks: tuple[Mark, ...] = ()


class Beside(NamedTuple):
    """Something to hold a record against: its seed, the passage it quotes, the other side of a contradiction.

    name  of its key, where it waits for a decision of its own
    """

    heading: str
    turns: tuple[Turn, ...]
    name: str = ""

    @property
    def text(self) -> str:
        return "\n".join(f"{turn.role}: {turn.text}" if turn.role else turn.text for turn in self.turns)


class Suggestion(NamedTuple):
    """Another label for the answer, and the answer with it."""

    label: str
    answer: str

    @property
    def stands_alone(self) -> bool:
        """Whether the label is all that the answer says; else what stands beside it may have to change, too."""
        try:
            value = json.loads(self.answer)
        except (ValueError, RecursionError):
            return normalize(self.answer) == normalize(self.label)
        return len(value) == 1 if isinstance(value, dict) else not isinstance(value, list)


@dataclass(frozen=True)
class Item:
    """One thing to decide.

    title     in a few words: how it came about, or for what it is held
    subjects  what a decision is about; a reading is found right or wrong, anything else is kept or dropped
    facts     one line each
    noted     kept beside the decision, for whoever asks later what was seen
    marks     {position of a message: marks in its text}
    """

    record: Record
    title: str
    subjects: tuple[Subject, ...]
    facts: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()
    noted: Mapping[str, Json] | None = None
    marks: Mapping[int, tuple[Mark, ...]] = field(default_factory=dict)
    suggestion: Suggestion | None = None

    @property
    def is_reading(self) -> bool:
        return any(subject.check == READING for subject in self.subjects)


@dataclass(frozen=True)
class Shown:
    """An item as it may be shown: masks over personal data and secrets, each as long as what it hides.

    masked  something of the record is hidden: it can be kept or dropped, and not be edited
    """

    item: Item
    record: Record
    beside: tuple[Beside, ...]
    facts: tuple[str, ...]

    @property
    def masked(self) -> bool:
        return self.record.messages != self.item.record.messages

    @property
    def turns(self) -> tuple[Turn, ...]:
        return turns_of(self.record, self.item.marks)


def shown_item(item: Item, conceal: Callable[[Record], Record], conceal_text: Callable[[str], str]) -> Shown:
    """conceal, conceal_text: put masks over personal data and secrets of a record, and of a text."""
    beside = tuple(
        part._replace(turns=tuple(turn._replace(text=conceal_text(turn.text)) for turn in part.turns))
        for part in item.beside
    )
    return Shown(item, conceal(item.record), beside, tuple(map(conceal_text, item.facts)))


def turns_of(record: Record, marks: Mapping[int, tuple[Mark, ...]] | None = None) -> tuple[Turn, ...]:
    """The record as turns, calls of tools included."""
    marks = marks or {}
    return tuple(
        Turn(message.role, message_text(message), marks.get(place, ())) for place, message in enumerate(record.messages)
    )
