"""The pass on a Ray cluster: the same function of a batch, handed to Ray Data's `map_batches`.

Ray runs a batch again whose worker died; since `look` is a pure function of the batch and the job, what is found
does not change.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
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

        if not ray.is_initialized():
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            ray.init(log_to_driver=False, logging_level=logging.WARNING, include_dashboard=False)
        logging.getLogger("ray.data").setLevel(logging.WARNING)
        ray.data.DataContext.get_current().enable_progress_bars = False
        positioned = table.append_column(POSITION, pa.array(range(table.num_rows), pa.int64()))
        looked = ray.data.from_arrow(_parts(positioned, self.rows)).map_batches(
            _Look,
            fn_constructor_args=(ray.put(job),),
            batch_size=self.rows,
            batch_format="pyarrow",
            concurrency=self.workers,
        )
        for row in looked.iter_rows():
            yield pickle.loads(row["looked"])


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
