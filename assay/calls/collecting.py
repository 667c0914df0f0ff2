"""Python's garbage collector while thousands of requests are under way."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (20_000, 20, 20)
"""New objects before the youngest are looked through, and how many such looks before an older generation is."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """What is there already is not looked through meanwhile, and what is new seldom.

    The clients' modules alone are hundreds of thousands of objects. Each look through them holds up every answer that
    came in the meantime, and finds nothing (docs/decisions/0080).
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
