"""What waits for a person: a record, why, and what a decision about it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from assay.records import Json, Record

from .review import READING, Subject


class Beside(NamedTuple):
    """Something to hold a record against: its seed, the passage it quotes, the other side of a contradiction."""

    heading: str
    text: str


@dataclass(frozen=True)
class Item:
    """One thing to decide.

    title     in a few words: how it came about, or for what it is held
    subjects  what a decision is about; a reading is found right or wrong, anything else is kept or dropped
    facts     one line each
    noted     kept beside the decision, for whoever asks later what was seen
    """

    record: Record
    title: str
    subjects: tuple[Subject, ...]
    facts: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()
    noted: Mapping[str, Json] | None = None

    @property
    def is_reading(self) -> bool:
        return any(subject.check == READING for subject in self.subjects)
