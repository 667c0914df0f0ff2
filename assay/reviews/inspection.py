"""The loop of a review in a terminal: show an item, take a key, write the decision."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import click

from assay.console import printable
from assay.errors import AssayError
from assay.records import Record

from .editing import from_text, to_text
from .item import Beside, Item, Shown, shown_item
from .keys import END, Keyboard
from .queue import ANY, Key, Side
from .reasons import reason_of
from .review import Review
from .screen import KEYS, READING_KEYS, REASON_KEYS, item_text, width
from .session import Session
from .steps import Action


@dataclass(frozen=True)
class _At:
    """Where one is: what is on the screen, which side of it is decided on, and that as it is shown."""

    sides: Sequence[Side]
    place: int
    shown: Shown

    @property
    def key(self) -> Key:
        return self.sides[self.place].key

    @property
    def item(self) -> Item:
        return self.sides[self.place].item


@dataclass
class Inspection:
    """What a session needs to be seen and answered.

    conceal  masks over personal data and secrets of a record
    status   a line on how things stand: progress, error rate, what is lacking
    """

    session: Session
    keyboard: Keyboard
    conceal: Callable[[Record], Record]
    conceal_text: Callable[[str], str]
    status: Callable[[], str]

    def run(self) -> None:
        """Until nothing waits, `q`, or the terminal is gone. Raises StorageError, SourceError."""
        with self.keyboard.opened():
            self._say(self.status())
            while (key := self.session.next()) is not None:
                sides = self.session.sides(key)
                place = next(at for at, side in enumerate(sides) if side.key.name == key.name)
                if not self._decide(self._at(sides, place)):
                    return
                self._say(self.status())
            self._say("nothing is left to decide")

    def _at(self, sides: Sequence[Side], place: int) -> _At:
        shown = shown_item(sides[place].item, self.conceal, self.conceal_text)
        at = _At(
            sides, place, replace(shown, beside=tuple(self._with_what_holds(part, sides) for part in shown.beside))
        )
        self._show(at)
        return at

    def _with_what_holds(self, part: Beside, sides: Sequence[Side]) -> Beside:
        """The heading says what was decided on that side meanwhile."""
        key = next((side.key for side in sides if side.key.name == part.name), None)
        said = self.session.said(key) if key is not None else ""
        return part._replace(heading=f"{part.heading}: {said}") if said else part

    def _show(self, at: _At, *, whole: bool = False) -> None:
        number = self.session.place(at.sides[0].key if at.key.kind == ANY else at.key)
        many = len(at.sides)
        click.echo(item_text(at.shown, f"{number}, side {at.place + 1} of {many}" if many > 1 else number, whole=whole))

    def _decide(self, at: _At) -> bool:
        """Whether to go on: an item was decided, skipped, or the last decision taken back."""
        while True:
            keys = READING_KEYS if at.item.is_reading else KEYS
            click.echo(keys)
            key = self.keyboard.key()
            if key in ("q", *END):
                return False
            reason = reason_of(key)
            act = self._acts.get(key)
            if reason is not None:
                return self._done(at, self.session.decide(at.key, at.item, Action.DROP, reason))
            if key == "c":
                if len(at.sides) < 2:
                    self._say("nothing else is on this screen to be decided on")
                else:
                    at = self._at(at.sides, (at.place + 1) % len(at.sides))
            elif act is None:
                self._say(f"keys: {keys}; the reasons: {REASON_KEYS}")
            elif act(at):
                return True

    @property
    def _acts(self) -> dict[str, Callable[[_At], bool]]:
        """{key: what it does, and whether the next item follows}"""
        return {
            "a": lambda at: self._done(at, self.session.decide(at.key, at.item, Action.KEEP)),
            "s": self._skip,
            "v": self._show_all,
            "r": self._reject,
            "x": self._reject,
            "e": self._edit,
            "l": self._relabel,
            "g": self._group,
            "u": self._undo,
        }

    def _done(self, at: _At, before: Sequence[Review]) -> bool:
        for other in before:
            who = other.who or "somebody"
            self._say(f"{who} had said {other.verdict} of it meanwhile; yours holds, and u gives theirs back")
        if any(self.session.is_settled(side.key) for side in at.sides):
            self._say("nothing speaks against the other side any more, and the next curate keeps it")
        return True

    def _skip(self, at: _At) -> bool:
        self.session.skip(at.sides)
        return True

    def _show_all(self, at: _At) -> bool:
        self._show(at, whole=True)
        return False

    def _reject(self, at: _At) -> bool:
        reason = self.keyboard.line("why (Enter without a reason will do, Escape goes back): ")
        if reason is None:
            self._say("nothing was decided")
            return False
        return self._done(at, self.session.decide(at.key, at.item, Action.DROP, reason))

    def _edit(self, at: _At) -> bool:
        record = at.item.record
        if at.shown.record != record:
            self._say("not edited: personal data and secrets are masked here; edit the data itself")
            return False
        try:
            with self.keyboard.lent():
                written = click.edit(to_text(record.messages), extension=".txt")
            messages = record.messages if written is None else from_text(written, record.messages)
        except (click.ClickException, AssayError) as error:
            self._say(f"not edited: {error.format_message() if isinstance(error, click.ClickException) else error}")
            return False
        if messages == record.messages:
            self._say("not edited: nothing was changed")
            return False
        return self._done(at, self.session.decide(at.key, at.item, Action.EDIT, messages=messages))

    def _relabel(self, at: _At) -> bool:
        found = at.item.suggestion
        if found is None:
            self._say("no other label is suggested: e edits the answer")
            return False
        if at.shown.masked:
            self._say("not relabelled: personal data and secrets are masked here; edit the data itself")
            return False
        before = self.session.decide(at.key, at.item, Action.RELABEL, answer=found.answer)
        if not found.stands_alone:
            self._say(f"the answer is now {found.answer} (u takes it back, e edits it as a whole)")
        return self._done(at, before)

    def _group(self, at: _At) -> bool:
        """The same for all of a group, or this one in place of the others."""
        keys = self.session.group(at.key)
        if len(keys) < 2:
            self._say("no other of its group waits")
            return False
        others = len(keys) - 1
        said = self.keyboard.line(
            f"a keeps all {len(keys)}, x drops all {len(keys)}, o keeps this one and drops the other {others} "
            "(Enter; Escape goes back): "
        )
        ways = {
            "a": [Action.KEEP] * len(keys),
            "x": [Action.DROP] * len(keys),
            "o": [Action.KEEP, *[Action.DROP] * others],
        }
        if said not in ways:
            self._say("nothing was decided")
            return False
        return self._done(at, self.session.decide_group(keys, ways[said]))

    def _undo(self, at: _At) -> bool:
        found = self.session.undo()
        if found.by:
            who = found.by[-1].who or "somebody"
            self._say(f"{who} has said {found.by[-1].verdict} of it since: theirs stays")
        elif not found.step:
            self._say("nothing of yours to take back")
        else:
            self._say("taken back: " + ", ".join(f"record {record}" for record in found.records))
        return bool(found.step) and not found.by

    def _say(self, line: str) -> None:
        click.echo(click.style(textwrap.fill(printable(line), width()), dim=True))
