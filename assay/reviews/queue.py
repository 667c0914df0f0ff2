"""One queue over what waits: light keys for all of it, and the one item that is shown built when it is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from .item import Item
from .review import Subject
from .standing import Standing

CONTRADICTION, DUPLICATE, LABEL, HELD, READ, GENERATED = (
    "contradiction",
    "duplicate",
    "label",
    "held",
    "to_read",
    "generated",
)
KINDS = {
    CONTRADICTION: "Contradictions",
    DUPLICATE: "Duplicates",
    LABEL: "Suspected labels",
    HELD: "Otherwise held",
    READ: "Drawn to be read",
    GENERATED: "Generated",
}
"""What waits, in the order in which it is shown."""

ANY = "any"
"""The kind of a record that waits for nobody, and that somebody wants to decide on all the same."""

READINGS = frozenset({READ, GENERATED})
"""Kinds of which any beginning stands for the whole: the first that is undecided comes next."""


class Key(NamedTuple):
    """One thing to decide, without its content.

    name     the row id; of a record that was drawn or generated its record id
    checks   that found something in it
    group    equal for those of one contradiction or one cluster of duplicates, else ""
    settled  a rule of curate decided on it already: shown where its kind is asked for
    """

    name: str
    record_id: str
    kind: str
    checks: tuple[str, ...] = ()
    group: str = ""
    settled: bool = False


class Queue(Protocol):
    """What waits in one run or folder."""

    @property
    def keys(self) -> Sequence[Key]: ...

    def key(self, name: str) -> Key | None:
        """Of one that waits, or of any other record of the run; None where there is none of that name."""

    def subjects(self, key: Key) -> tuple[Subject, ...]:
        """What a decision about it is about."""

    def item(self, key: Key) -> Item:
        """Raises SourceError when its record cannot be read."""


class Progress(NamedTuple):
    """decided: by anybody. waiting: those not decided, skipped ones included."""

    decided: int
    waiting: int
    skipped: int

    @property
    def total(self) -> int:
        return self.decided + self.waiting


def of_kind(keys: Sequence[Key], kind: str) -> list[Key]:
    """Those of a kind, or in which a check of that name found something; "" for all that waits."""
    if not kind:
        return [key for key in keys if not key.settled]
    return [key for key in keys if key.kind == kind or kind in key.checks]


def is_decided(queue: Queue, key: Key, standing: Standing) -> bool:
    """Each of its subjects, or the record as a whole."""
    own = standing.about(key.record_id)
    if not own:
        return False
    return Subject(key.record_id) in own or all(subject in own for subject in queue.subjects(key))


class States(NamedTuple):
    """Names of keys: those that are decided, and of the others those that somebody skipped."""

    decided: frozenset[str]
    skipped: frozenset[str]


def states_of(queue: Queue, standing: Standing) -> States:
    """Of all keys, at one time."""
    decided, skipped = set(), set()
    for key in queue.keys:
        if is_decided(queue, key, standing):
            decided.add(key.name)
        elif standing.was_skipped(key.record_id):
            skipped.add(key.name)
    return States(frozenset(decided), frozenset(skipped))


def progress(keys: Iterable[Key], states: States) -> Progress:
    names = [key.name for key in keys]
    decided = sum(name in states.decided for name in names)
    return Progress(decided, len(names) - decided, sum(name in states.skipped for name in names))


def following(keys: Sequence[Key], states: States, after: str = "") -> Key | None:
    """The next that nobody has decided, those skipped last; None when all are decided.

    after  name of a key: what stands behind it comes first, but where any beginning must stand for the whole
    """
    start = next((place for place, key in enumerate(keys) if key.name == after), -1) if after else -1
    passed: list[Key] = []
    skipped: list[tuple[bool, Key]] = []
    for place, key in enumerate(keys):
        if key.name in states.decided:
            continue
        if key.name in states.skipped:
            skipped.append((place <= start, key))
        elif place > start or key.kind in READINGS:
            return key
        else:
            passed.append(key)
    if passed:
        return passed[0]
    return min(skipped, key=lambda entry: entry[0])[1] if skipped else None


def second_keys(keys: Iterable[Key], states: States, standing: Standing, who: str) -> list[Key]:
    """What others have decided and this person has not: to be read once more, in an order of chance."""
    others = [
        key
        for key in keys
        if key.name in states.decided
        and (key.record_id, who) not in standing.second
        and all(review.who != who for review in standing.about(key.record_id).values())
    ]
    return sorted(others, key=lambda key: hashlib.sha256(f"second {key.record_id}".encode()).digest())
