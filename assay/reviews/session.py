"""A person goes through what waits, one at a time. Every decision is on the disk before the next is shown.

Others may decide at the same time: the journal is read again before each item, what somebody else decided is not shown
any more, and nothing of theirs is taken back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.records import Message

from .item import Item
from .queue import ANY, Key, Queue, Side, is_decided, of_kind
from .review import Review
from .standing import Standing, journal_at
from .steps import About, Action, Author, Decision, Undone, undo, write
from .waiting import cases_of
from .who import now, user


@dataclass
class Session:
    """Of one terminal. kind: of what is shown, "" for all that waits. journal: the file of decisions."""

    queue: Queue
    journal: Path
    kind: str = ""
    who: str = field(default_factory=user)
    clock: Callable[[], str] = now
    _name: str = field(default_factory=lambda: secrets.token_hex(8))
    _skipped: list[str] = field(default_factory=list)
    _passed: list[str] = field(default_factory=list)
    _steps: int = 0

    def __post_init__(self) -> None:
        self._keys = of_kind(self.queue.keys, self.kind)

    def reviews(self) -> tuple[Review, ...]:
        """All decisions there are, those of others included. Raises SourceError."""
        return journal_at(self.journal).now()[0]

    def next(self) -> Key | None:
        """The first that nobody has decided; those skipped in this session come last, then what a rule settled. None
        when all are decided.
        """
        standing = self._standing
        best: tuple[tuple[int, int], Key] | None = None
        for place, key in enumerate(self._keys):
            if is_decided(self.queue, key, standing):
                continue
            skipped = key.name in self._skipped
            if not skipped and not key.settled:
                return key
            rank = (2, place) if key.settled and not skipped else (1, self._order(key, place))
            if best is None or rank < best[0]:
                best = rank, key
        return best[1] if best is not None else None

    def _order(self, key: Key, place: int) -> int:
        return self._skipped.index(key.name) if key.name in self._skipped else place

    def place(self, key: Key) -> str:
        """Such as "pair 3 of 57"."""
        cases = list(dict.fromkeys(other.case for other in self._keys))
        at = cases.index(key.case) + 1 if key.case in cases else 0
        return f"{cases_of(self._keys).noun} {at:,} of {len(cases):,}"

    def sides(self, key: Key) -> Sequence[Side]:
        """What is on one screen with it."""
        return self.queue.sides(key)

    def said(self, key: Key) -> str:
        """What holds of it: "ana said drop (out of date)"; "settled", or "" where nothing does."""
        own = self._standing.about(key.record_id)
        for review in own.values():
            note = f" ({review.note})" if review.note else ""
            return f"{review.who or 'somebody'} said {review.verdict}{note}"
        return "settled" if self.is_settled(key) else ""

    def is_settled(self, key: Key) -> bool:
        """Nobody has decided on it, and nobody is asked: nothing is left that speaks against it."""
        asked = key.kind != ANY and not key.settled
        return asked and not self._standing.about(key.record_id) and self._is_decided(key)

    def group(self, key: Key) -> list[Key]:
        """Those of its group that wait, itself first."""
        own, *others = self.queue.group(key)
        return [own, *(other for other in others if not self._is_decided(other))]

    def decide(
        self,
        key: Key,
        item: Item,
        action: Action,
        note: str = "",
        messages: tuple[Message, ...] = (),
        answer: str | None = None,
    ) -> tuple[Review, ...]:
        """What others had said of it meanwhile: the last decision holds, and undo gives theirs back."""
        about = About(key.record_id, item.subjects, item.noted)
        return self._write([Decision(about, action, note, messages, answer)], [key])

    def decide_group(self, keys: Sequence[Key], actions: Sequence[Action], note: str = "") -> tuple[Review, ...]:
        """One step for several records, an action each; undo takes all of it back."""
        decisions = []
        for key, action in zip(keys, actions, strict=True):
            item = self.queue.item(key)
            decisions.append(Decision(About(key.record_id, item.subjects, item.noted), action, note))
        return self._write(decisions, keys)

    def skip(self, sides: Sequence[Side]) -> None:
        """Not decided; all that waits of a screen comes again at the end, and in the next session."""
        waiting = [side for side in sides if side.key.kind != ANY and not self._is_decided(side.key)]
        names = [side.key.name for side in waiting] or [side.key.name for side in sides]
        self._skipped = [name for name in self._skipped if name not in names] + names
        skipped = [(side.key.record_id, side.item) for side in waiting]
        if skipped:
            self._said([Decision(About(name, item.subjects, item.noted), Action.SKIP) for name, item in skipped])

    def undo(self) -> Undone:
        """Takes the last decision of this session back; what held before holds again.

        Where somebody has decided otherwise since, theirs stays; the next `undo` goes on with the one before it.
        """
        found = undo(self.journal, self._author, self._passed)
        if found.by:
            self._passed.append(found.step)
        return found

    @property
    def _author(self) -> Author:
        return Author(self.who, self._name, self.clock)

    @property
    def _standing(self) -> Standing:
        return journal_at(self.journal).now()[1]

    def _is_decided(self, key: Key) -> bool:
        return is_decided(self.queue, key, self._standing)

    def _write(self, decisions: Sequence[Decision], keys: Sequence[Key]) -> tuple[Review, ...]:
        before = self._said(decisions)
        names = {key.name for key in keys}
        self._skipped = [name for name in self._skipped if name not in names]
        return before

    def _said(self, decisions: Sequence[Decision]) -> tuple[Review, ...]:
        self._steps += 1
        return write(self.journal, decisions, self._author, f"{self._name}.{self._steps}").before
