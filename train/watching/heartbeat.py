"""A run that no longer moves says so, while it stands still."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from statistics import median

LEAST_SECONDS = 120.0
TIMES = 20
"""A step that takes so many times the usual one is no slow step."""


class Heartbeat:
    """Watches the time between beats from a thread of its own, from `start` to `stop`.

    say        given one line the first time that nothing has happened for long, and again after twice as long
    least      seconds below which nothing is said
    """

    def __init__(self, say: Callable[[str], None], *, least: float = LEAST_SECONDS) -> None:
        self.say, self.least = say, least
        self._gaps: deque[float] = deque(maxlen=50)
        self._last = time.monotonic()
        self._told = 0.0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._last = time.monotonic()
        self._ended.clear()
        self._thread = threading.Thread(target=self._watch, name="assay-heartbeat", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Something was finished."""
        now = time.monotonic()
        self._gaps.append(now - self._last)
        self._last, self._told = now, 0.0

    def stop(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _watch(self) -> None:
        while not self._ended.wait(self.least / 10):
            silent = time.monotonic() - self._last
            usual = median(self._gaps) if self._gaps else 0.0
            if silent > max(self.least, TIMES * usual, 2 * self._told):
                self._told = silent
                took = f", where it usually takes {usual:.1f} s" if self._gaps else ""
                self.say(
                    f"warning: nothing was finished for {silent:.0f} s{took}: the machine may be out of memory and "
                    "swapping, throttled, or hung; Ctrl-C loses no more than the steps since the last checkpoint"
                )
