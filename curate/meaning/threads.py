"""Blocks of arithmetic on all cores: a thread a core, each with a matrix product of its own.

numpy's own way, one product on all cores, makes them wait for each other at every product; with products as small as
these that takes longer than the arithmetic, and many times as long where the machine has other work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..engine.engines import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results in the order of the items; the function spends its time in numpy or in machine code."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores()) as pool:
        yield from pool.map(function, items)
