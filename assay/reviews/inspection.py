"""The loop of a review in a terminal: show an item, take a key, write the decision."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import click

from assay.console import printable
from assay.errors import AssayError
from assay.records import Record

from .editing import from_text, to_text
from .item import Beside, Item
from .keys import END, Keyboard
from .review import Review
from .screen import KEYS, item_text, width
from .session import Session

UNKNOWN_KEY = f"keys: {KEYS}"


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
            while (item := self.session.next()) is not None:
                shown = self.conceal(item.record)
                self._show(item, shown)
                if not self._decide(item, shown):
                    return
                self._say(self.status())
            self._say("nothing is left to decide")

    def _show(self, item: Item, shown: Record, *, whole: bool = False) -> None:
        done = self.session.progress()
        beside = tuple(Beside(part.heading, self.conceal_text(part.text)) for part in item.beside)
        number = f"{done.decided + 1} of {done.decided + done.waiting}"
        click.echo(item_text(item, shown, beside, number, whole=whole))

    def _decide(self, item: Item, shown: Record) -> bool:
        """Whether to go on: an item was decided, skipped, or the last decision taken back."""
        while True:
            click.echo(KEYS)
            key = self.keyboard.key()
            if key in ("q", *END):
                return False
            act = self._acts.get(key)
            if act is None:
                self._say(UNKNOWN_KEY)
            elif act(item, shown):
                return True

    @property
    def _acts(self) -> dict[str, Callable[[Item, Record], bool]]:
        """{key: what it does, and whether the next item follows}"""
        return {
            "a": lambda item, _: self._done(self.session.approve, item),
            "s": lambda item, _: self._done(self.session.skip, item),
            "v": self._show_all,
            "r": self._reject,
            "e": self._edit,
            "u": self._undo,
        }

    def _done(self, write: Callable[[Item], tuple[Review, ...]], item: Item) -> bool:
        for other in write(item):
            who = other.who or "somebody"
            self._say(f"{who} had said {other.verdict} of it meanwhile; yours holds, and u gives theirs back")
        return True

    def _show_all(self, item: Item, shown: Record) -> bool:
        self._show(item, shown, whole=True)
        return False

    def _reject(self, item: Item, shown: Record) -> bool:
        reason = self.keyboard.line("why (Enter rejects it, Escape goes back): ")
        if reason is None:
            self._say("not rejected")
            return False
        return self._done(lambda rejected: self.session.reject(rejected, reason), item)

    def _edit(self, item: Item, shown: Record) -> bool:
        if shown != item.record:
            self._say("not edited: personal data and secrets are masked here; edit the data itself")
            return False
        try:
            with self.keyboard.lent():
                written = click.edit(to_text(item.record.messages), extension=".txt")
            messages = item.record.messages if written is None else from_text(written, item.record.messages)
        except (click.ClickException, AssayError) as error:
            self._say(f"not edited: {error.format_message() if isinstance(error, click.ClickException) else error}")
            return False
        if messages == item.record.messages:
            self._say("not edited: nothing was changed")
            return False
        return self._done(lambda edited: self.session.edit(edited, messages), item)

    def _undo(self, item: Item, shown: Record) -> bool:
        found = self.session.undo()
        self._say("nothing of yours to take back" if found is None else f"taken back: record {found.record.id}")
        return found is not None

    def _say(self, line: str) -> None:
        click.echo(click.style(textwrap.fill(printable(line), width()), dim=True))
