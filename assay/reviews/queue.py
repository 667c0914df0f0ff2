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

SIDE_BY_SIDE = frozenset({CONTRADICTION, DUPLICATE})
"""Kinds of which all of a group is on one screen, each record to be decided on there."""

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
    size     different records of its group, those that wait for nobody included
    """

    name: str
    record_id: str
    kind: str
    checks: tuple[str, ...] = ()
    group: str = ""
    settled: bool = False
    size: int = 1

    @property
    def case(self) -> str:
        """Equal for those that are on one screen."""
        return f"{self.kind} {self.group}" if self.group and self.kind in SIDE_BY_SIDE else self.name


class Side(NamedTuple):
    """A record of a case, and it as it is shown."""

    key: Key
    item: Item


class Queue(Protocol):
    """What waits in one run or folder."""

    @property
    def keys(self) -> Sequence[Key]: ...

    def key(self, name: str) -> Key | None:
        """Of one that waits, or of any other record of the run; None where there is none of that name."""

    def has_record(self, record_id: str) -> bool:
        """Whether the run has, or had before an edit, a record of this id, whether it waits or not."""

    def subjects(self, key: Key) -> tuple[Subject, ...]:
        """What a decision about it is about."""

    def item(self, key: Key) -> Item:
        """Raises SourceError when its record cannot be read."""

    def sides(self, key: Key) -> Sequence[Side]:
        """What is on one screen with it, in an order that does not depend on which of them is asked for; itself alone
        where it stands alone. Raises SourceError when a record cannot be read.
        """

    def fate(self, key: Key) -> str:
        """What curate made of it: kept, held or dropped; "" where it has none."""

    def evidence_kinds(self, key: Key) -> Sequence[str]:
        """What the evidence about it names as its kind: number, date ..."""

    def group(self, key: Key) -> Sequence[Key]:
        """All of its group that wait or may be looked at, itself first, however many there are."""

    def moot(self, key: Key, standing: Standing) -> frozenset[Subject]:
        """Subjects of it that need no decision any more: people dropped or edited all that stood against it."""


class Progress(NamedTuple):
    """Records. decided: by anybody, or settled by that. waiting: those not decided, skipped ones included."""

    decided: int
    waiting: int
    skipped: int

    @property
    def total(self) -> int:
        return self.decided + self.waiting


def of_kind(keys: Sequence[Key], kind: str) -> list[Key]:
    """Those of a kind, or in which a check found something that is no kind by its name; "" for all that waits.

    Each key is of one kind, so that the numbers of the kinds add up to that of all.
    """
    if not kind:
        return [key for key in keys if not key.settled]
    if kind in KINDS:
        return [key for key in keys if key.kind == kind]
    return [key for key in keys if kind in key.checks]


def is_decided(queue: Queue, key: Key, standing: Standing) -> bool:
    """The record as a whole, or each of its subjects, those left aside that need no decision any more."""
    own = standing.about(key.record_id)
    if Subject(key.record_id) in own or (own and all(subject in own for subject in queue.subjects(key))):
        return True
    moot = queue.moot(key, standing) if key.group else ()
    return bool(moot) and all(subject in own or subject in moot for subject in queue.subjects(key))


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
    """What a rule settled counts when somebody has decided on it."""
    names = [key.name for key in keys if not key.settled or key.name in states.decided]
    decided = sum(name in states.decided for name in names)
    return Progress(decided, len(names) - decided, sum(name in states.skipped for name in names))


def following(keys: Sequence[Key], states: States, after: str = "") -> Key | None:
    """The next that nobody has decided, those skipped last, then what a rule settled; None when all are decided.

    after  name of a key: what is on one screen with it comes first, then what stands behind it, but where any beginning
           must stand for the whole
    """
    start = next((place for place, key in enumerate(keys) if key.name == after), -1) if after else -1
    case = keys[start].case if start >= 0 else ""
    best: tuple[tuple[int, bool, int], Key] | None = None
    for place, key in enumerate(keys):
        if key.name in states.decided:
            continue
        late = 2 if key.settled else 1 if key.name in states.skipped else 0
        is_same = not late and key.case == case and (place != start or key.size > 1)
        passed = place <= start and not is_same and not (key.kind in READINGS and not late)
        rank = (late - is_same, passed, place)
        if best is None or rank < best[0]:
            best = rank, key
    return best[1] if best is not None else None


def second_keys(keys: Iterable[Key], states: States, standing: Standing, who: str) -> list[Key]:
    """What others have decided and this person has not: to be read once more, in an order of chance."""
    others = [
        key
        for key in keys
        if key.name in states.decided
        and (said := standing.about(key.record_id))
        and (key.record_id, who) not in standing.second
        and all(review.who != who for review in said.values())
    ]
    return sorted(others, key=lambda key: hashlib.sha256(f"second {key.record_id}".encode()).digest())
