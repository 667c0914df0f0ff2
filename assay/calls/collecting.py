"""Python's garbage collector while thousands of requests are under way."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (20_000, 20, 20)
"""New objects before the youngest are looked through, and how many such looks before an older generation is."""

_lock = threading.Lock()
_thresholds: list[tuple[int, int, int]] = []
"""Those to go back to, as often as somebody has requests under way: the collector is one for all threads."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """What is there already is not looked through meanwhile, and what is new seldom.

    The clients' modules alone are hundreds of thousands of objects. Each look through them holds up every answer that
    came in the meantime, and finds nothing (docs/decisions/0080).
    """
    with _lock:
        _thresholds.append(_thresholds[0] if _thresholds else gc.get_threshold())
        gc.freeze()
        gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        with _lock:
            before = _thresholds.pop()
            if not _thresholds:
                gc.set_threshold(*before)
                gc.unfreeze()
