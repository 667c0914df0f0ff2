"""Where the pass over the data runs: in this process, on several of this machine, or on a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from assay.errors import require

from ..batch import Batch
from .look import PASS_ROWS, Job, Looked, Looker

if TYPE_CHECKING:
    import pyarrow as pa

FEWEST_ROWS = 20_000
"""Smaller data is looked at sooner than other processes are started."""


class Engine(Protocol):
    """Looks at every batch of a table, each exactly once; the results may come in any order."""

    def looks(self, table: pa.Table, job: Job) -> Iterator[Looked]: ...


@dataclass(frozen=True)
class InProcess:
    """One batch after the other, here."""

    rows: int = PASS_ROWS

    def looks(self, table: pa.Table, job: Job) -> Iterator[Looked]:
        looker = Looker(job)
        start = 0
        for rows in table.to_batches(self.rows):
            yield looker.look(Batch.decode(rows, start))
            start += rows.num_rows


def choose(rows: int, workers: int | None = None, name: str = "auto") -> Engine:
    """Several processes where the data is large enough to be worth their start, and there is more than one core.

    workers  processes, or actors of the cluster; None for as many as this process may use cores
    name     "auto", or "ray" for a Ray cluster whatever the size

    Raises MissingExtraError when Ray is asked for and not installed.
    """
    processes = workers or cores()
    if name == "ray":
        require("ray", "ray")
        from .ray_data import RayData

        return RayData(processes)
    if processes < 2 or rows < FEWEST_ROWS:
        return InProcess()
    from .processes import Processes, can_wait_for_each_other

    return Processes(processes) if can_wait_for_each_other() else InProcess()


def cores() -> int:
    """Those that this process may use, which in a container can be fewer than the machine has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
