"""A person goes through what waits, one at a time. Every decision is on the disk before the next is shown.

Others may decide at the same time: the journal is read again before each item, what somebody else decided is not shown
any more, and nothing of theirs is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from assay.records import Message

from .item import Item
from .journal import append, reviews_in
from .review import READING, UNDECIDED, Review, Subject, Verdict, latest
from .who import now, user


class Progress(NamedTuple):
    """decided: of all items, by anybody. waiting: those not decided, skipped ones included."""

    decided: int
    waiting: int
    skipped: int


class _Step(NamedTuple):
    """What was written for an item, and what held before."""

    item: Item
    reviews: tuple[Review, ...]
    before: tuple[Review, ...]


@dataclass
class Session:
    """items in the order in which they are shown. journal: the file of decisions."""

    items: Sequence[Item]
    journal: Path
    who: str = field(default_factory=user)
    clock: Callable[[], str] = now
    _steps: list[_Step] = field(default_factory=list)
    _skipped: list[str] = field(default_factory=list)

    def reviews(self) -> tuple[Review, ...]:
        """All decisions there are, those of others included. Raises SourceError."""
        return reviews_in(self.journal)

    def progress(self) -> Progress:
        waiting = waiting_of(self.items, self.reviews())
        skipped = sum(item.record.id in self._skipped for item in waiting)
        return Progress(len(self.items) - len(waiting), len(waiting), skipped)

    def next(self) -> Item | None:
        """The first that nobody has decided; those skipped in this session come last. None when all are decided."""
        waiting = waiting_of(self.items, self.reviews())
        fresh = [item for item in waiting if item.record.id not in self._skipped]
        if fresh:
            return fresh[0]
        return min(waiting, key=lambda item: self._skipped.index(item.record.id)) if waiting else None

    def approve(self, item: Item) -> tuple[Review, ...]:
        """What others had said of it meanwhile: the last decision holds, and undo gives theirs back. So below."""
        return self._say(item, [self._review(item, subject, _good(subject)) for subject in item.subjects])

    def reject(self, item: Item, reason: str) -> tuple[Review, ...]:
        return self._say(item, [self._review(item, subject, _bad(subject), reason) for subject in item.subjects])

    def edit(self, item: Item, messages: tuple[Message, ...], note: str = "") -> tuple[Review, ...]:
        """The record with other content; of one that was read, that it was wrong before."""
        said = [self._review(item, Subject(item.record.id), Verdict.REPAIR, note, messages)]
        said += [self._review(item, s, Verdict.WRONG, note) for s in item.subjects if s.check == READING]
        return self._say(item, said)

    def skip(self, item: Item) -> tuple[Review, ...]:
        """Not decided; it comes again at the end, and in the next session."""
        self._skipped = [name for name in self._skipped if name != item.record.id] + [item.record.id]
        held = latest(self.reviews())
        if not _is_decided(item, held):
            append(self.journal, [self._review(item, subject, Verdict.SKIP) for subject in item.subjects])
        return ()

    def undo(self) -> Item | None:
        """Takes the last decision of this session back; what held before holds again.

        None where there is none, or where somebody has decided otherwise since: theirs stays.
        """
        if not self._steps:
            return None
        step = self._steps.pop()
        held = latest(self.reviews())
        mine = [review for review in step.reviews if held.get(review.subject) == review]
        if len(mine) < len(step.reviews):
            return None
        taken_back = [self._review(step.item, review.subject, Verdict.UNDO) for review in step.reviews]
        append(self.journal, [*taken_back, *step.before])
        return step.item

    def _say(self, item: Item, said: Sequence[Review]) -> tuple[Review, ...]:
        held = latest(self.reviews())
        before = tuple(held[review.subject] for review in said if review.subject in held)
        append(self.journal, said)
        self._steps.append(_Step(item, tuple(said), before))
        self._skipped = [name for name in self._skipped if name != item.record.id]
        return before

    def _review(
        self, item: Item, subject: Subject, verdict: Verdict, note: str = "", messages: tuple[Message, ...] = ()
    ) -> Review:
        shown = dict(item.noted) if item.noted and verdict not in UNDECIDED else None
        return Review(subject, verdict, self.who, self.clock(), note, messages, None, shown)


def waiting_of(items: Sequence[Item], reviews: Iterable[Review]) -> list[Item]:
    """Those that nobody has decided."""
    held = latest(reviews)
    return [item for item in items if not _is_decided(item, held)]


def _good(subject: Subject) -> Verdict:
    return Verdict.RIGHT if subject.check == READING else Verdict.KEEP


def _bad(subject: Subject) -> Verdict:
    return Verdict.WRONG if subject.check == READING else Verdict.DROP


def _is_decided(item: Item, held: dict[Subject, Review]) -> bool:
    """Each of its subjects, or the record as a whole."""
    return Subject(item.record.id) in held or all(subject in held for subject in item.subjects)
