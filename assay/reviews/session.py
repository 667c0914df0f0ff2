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
from .queue import Key, Progress, Queue, is_decided, of_kind, progress, states_of
from .review import Review
from .standing import Standing, journal_at
from .steps import About, Action, Author, Decision, Undone, undo, write
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

    def progress(self) -> Progress:
        states = states_of(self.queue, self._standing)
        skipped = sum(name not in states.decided for name in self._skipped)
        return progress(self._keys, states)._replace(skipped=skipped)

    def next(self) -> Key | None:
        """The first that nobody has decided; those skipped in this session come last. None when all are decided."""
        standing = self._standing
        last = None
        for key in self._keys:
            if is_decided(self.queue, key, standing):
                continue
            if key.name not in self._skipped:
                return key
            if last is None or self._skipped.index(key.name) < self._skipped.index(last.name):
                last = key
        return last

    def item(self, key: Key) -> Item:
        return self.queue.item(key)

    def group(self, key: Key) -> list[Key]:
        """Those of its group that wait, itself first."""
        others = [key] if not key.group else [key, *(other for other in self._keys if other.group == key.group)]
        return [other for other in dict.fromkeys(others) if other == key or not self._is_decided(other)]

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

    def skip(self, key: Key, item: Item) -> None:
        """Not decided; it comes again at the end, and in the next session."""
        self._skipped = [name for name in self._skipped if name != key.name] + [key.name]
        if not self._is_decided(key):
            self._said([Decision(About(key.record_id, item.subjects, item.noted), Action.SKIP)])

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
