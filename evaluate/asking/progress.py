"""How far an evaluation is, and how long it will still take: for the suite at hand, and in all.

On a terminal one line is rewritten in place; elsewhere, as in CI, there is a line a suite and model, and one every ten
seconds between them.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assay.console import printable

from ..evaluation import ModelName

EVERY = 10.0
"""Seconds between two lines about the same suite."""

REDRAWN = 0.2
"""Seconds between two drawings of the line on a terminal."""

Show = Callable[[str], None]
"""Draws the line that a terminal rewrites."""


class StatusLine:
    """The lowest line of a terminal. write puts text there as it is."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.drawn = False

    def show(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self.write(f"\r\x1b[2K{printable(text)[:width]}")
        self.drawn = True

    def clear(self) -> None:
        """To be called before anything else is written there."""
        if self.drawn:
            self.write("\r\x1b[2K")
            self.drawn = False


@dataclass
class Progress:
    """totals are tokens of each suite over all models, about; answers from before count as neither fast nor slow.

    show       draws the line of a terminal; None says lines instead
    each_part  a line at the end of each part; without it there are those of long parts only, and what the caller says
    """

    totals: Mapping[str, float]
    say: Callable[[str], None]
    show: Show | None = None
    each_part: bool = True
    done: dict[str, float] = field(default_factory=dict)
    computed: float = 0.0
    started: float = field(default_factory=lambda: time.monotonic())
    last_said: float = field(default_factory=lambda: time.monotonic())

    def part(self, model: ModelName, suite: str, items: int, tokens: float) -> Part:
        """To be told how many items of a suite one model has answered."""
        return Part(self, model, suite, items, tokens)

    def advance(self, suite: str, tokens: float, *, computed: bool) -> None:
        self.done[suite] = self.done.get(suite, 0.0) + tokens
        if computed:
            self.computed += tokens

    def left(self, suite: str, now: float) -> str:
        """`, 40 s left, 3 min in all`; nothing before there is an estimate."""
        seconds = self._seconds_a_token(now)
        if seconds is None:
            return ""
        of_suite = seconds * (self.totals.get(suite, 0.0) - self.done.get(suite, 0.0))
        everything = f", {_duration(self._all_left(seconds))} in all" if len(self.totals) > 1 else ""
        return f", {_duration(of_suite)} left{everything}"

    def most_left(self) -> str:
        """`, at most 3 min left`, where it may end early."""
        seconds = self._seconds_a_token(time.monotonic())
        return f", at most {_duration(self._all_left(seconds))} left" if seconds is not None else ""

    def _seconds_a_token(self, now: float) -> float | None:
        elapsed = now - self.started
        return elapsed / self.computed if elapsed >= 5 and self.computed else None

    def _all_left(self, seconds_a_token: float) -> float:
        return seconds_a_token * (sum(self.totals.values()) - sum(self.done.values()))


@dataclass
class Part:
    """The items of one suite that one model is asked."""

    progress: Progress
    model: ModelName
    suite: str
    items: int
    tokens: float
    answered: int = 0
    before: int = 0

    def done(self, more: int) -> None:
        """So many more were answered."""
        self._advance(more, computed=True)

    def found(self, more: int) -> None:
        """So many more had been answered before."""
        self.before += more
        self._advance(more, computed=False)

    def _advance(self, more: int, *, computed: bool) -> None:
        self.answered += more
        progress = self.progress
        progress.advance(self.suite, self.tokens * more / max(self.items, 1), computed=computed)
        now = time.monotonic()
        ended = progress.each_part and self.answered >= self.items
        if ended or (progress.show is None and now - progress.last_said >= EVERY):
            progress.last_said = now
            progress.say(self._line(now))
        elif progress.show is not None and now - progress.last_said >= REDRAWN:
            progress.last_said = now
            progress.show(self._line(now))

    def _line(self, now: float) -> str:
        known = f" ({self.before} answered before)" if self.before else ""
        left = self.progress.left(self.suite, now)
        return f"evaluate: {self.model:9} {self.suite} {self.answered}/{self.items}{known}{left}"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(seconds, 0):.0f} s"
