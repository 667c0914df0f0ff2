"""The pass on a Ray cluster: the same function of a batch, handed to Ray Data's `map_batches`.

Ray runs a batch again whose worker died; since `look` is a pure function of the batch and the job, what is found
does not change.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..batch import Batch
from .look import PASS_ROWS, Job, Looked, Looker

if TYPE_CHECKING:
    import pyarrow as pa

POSITION = "position"


@dataclass(frozen=True)
class RayData:
    """On the cluster that `ray.init` finds or starts. workers: actors that look at batches at a time."""

    workers: int = 2
    rows: int = PASS_ROWS

    def looks(self, table: pa.Table, job: Job) -> Iterator[Looked]:
        import pyarrow as pa
        import ray
        import ray.data

        for name in ("ray", "ray.data"):  # its warnings are about what this module chooses, which nobody else can
            logging.getLogger(name).setLevel(logging.ERROR)
        if not ray.is_initialized():
            _start()
        ray.data.DataContext.get_current().enable_progress_bars = False
        parts = _parts(table.append_column(POSITION, pa.array(range(table.num_rows), pa.int64())), self.rows)
        looked = ray.data.from_arrow(parts).map_batches(
            _Look,
            fn_constructor_args=(ray.put(job),),
            batch_size=self.rows,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=max(1, min(self.workers, len(parts)))),
        )
        for row in looked.iter_rows():
            yield pickle.loads(row["looked"])


def _start() -> None:
    """Joins or starts a cluster, without what Ray says to those who write programs for it.

    Its core reports how Ray Data makes its own actors as an error, and which log level it was told on standard error;
    what goes wrong is raised.
    """
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    with _standard_error_closed():
        ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)


@contextlib.contextmanager
def _standard_error_closed() -> Iterator[None]:
    """Of the process, since native code does not write to `sys.stderr`."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class _Look:
    """An actor: makes the job ready once, then looks at batches."""

    def __init__(self, job: Any) -> None:
        import ray

        self._looker = Looker(ray.get(job) if isinstance(job, ray.ObjectRef) else job)

    def __call__(self, batch: pa.Table) -> pa.Table:
        import pyarrow as pa

        start = batch.column(POSITION)[0].as_py()
        rows = batch.drop_columns([POSITION]).combine_chunks().to_batches()
        looked = [self._looker.look(Batch.decode(rows[0], start))] if rows else []
        return pa.table({"looked": pa.array([pickle.dumps(item) for item in looked], pa.binary())})


def _parts(table: pa.Table, size: int) -> list[pa.Table]:
    return [table.slice(start, size) for start in range(0, table.num_rows, size)]
