"""How far an evaluation is, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .evaluation import ModelName
from .examination import Done

EVERY = 10.0
"""Seconds between two lines about the same suite."""


@dataclass
class Progress:
    """total and done are in tokens, about; what was answered before counts as neither fast nor slow."""

    total: int
    say: Callable[[str], None]
    done: float = 0.0
    computed: float = 0.0
    started: float = field(default_factory=time.monotonic)
    last_said: float = field(default_factory=time.monotonic)

    def part(self, model: ModelName, suite: str, items: int, tokens: int) -> Done:
        """Tells how many items of a suite one model has answered."""
        answered = 0

        def done(more: int) -> None:
            nonlocal answered
            answered += more
            share = tokens * more / max(items, 1)
            self.done += share
            self.computed += share
            now = time.monotonic()
            if answered >= items or now - self.last_said >= EVERY:
                self.last_said = now
                self.say(f"evaluate: {model:9} {suite} {answered}/{items}{self._left(now)}")

        return done

    def skip(self, tokens: int) -> None:
        """Answers that were given before."""
        self.done += tokens

    def _left(self, now: float) -> str:
        elapsed = now - self.started
        if elapsed < 5 or not self.computed:
            return ""
        seconds = (self.total - self.done) * elapsed / self.computed
        return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {max(seconds, 0):.0f} s left"
