"""The pass on several processes of this machine. A process that is killed costs nothing but its batch's time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import WorkerLostError
from assay.mapped import release

from ..batch import Batch
from .look import PASS_ROWS, Job, Looked, Looker

if TYPE_CHECKING:
    from concurrent.futures import Future

    import pyarrow as pa

RESTARTS = 3
AHEAD = 2
"""Batches that wait for each process, so that none is idle while results are put together."""


@dataclass(frozen=True)
class Processes:
    """workers processes, started by loky: they run no code of the caller's script, and notice when one of them dies.

    Raises WorkerLostError when they die more than RESTARTS times.
    """

    workers: int
    rows: int = PASS_ROWS

    def looks(self, table: pa.Table, job: Job) -> Iterator[Looked]:
        from loky.process_executor import TerminatedWorkerError

        waiting = dict(_batches(table, self.rows))
        restarts = 0
        while waiting:
            try:
                for looked in self._run(waiting, job):
                    del waiting[looked.start]
                    yield looked
            except TerminatedWorkerError as error:
                restarts += 1
                if restarts > RESTARTS:
                    raise WorkerLostError(
                        f"worker processes were killed {restarts} times, the last time with "
                        f"{len(waiting)} batches to go",
                        fix="they probably ran out of memory: take fewer with --workers",
                    ) from error

    def _run(self, waiting: dict[int, pa.RecordBatch], job: Job) -> Iterator[Looked]:
        """Every batch that waits, at most AHEAD a process on their way, so that the data is not held twice."""
        from concurrent.futures import FIRST_COMPLETED, wait

        from loky import ProcessPoolExecutor

        todo = iter(list(waiting.items()))
        with ProcessPoolExecutor(self.workers, initializer=_start, initargs=(job,)) as pool:
            running: set[Future[Looked]] = set()
            try:
                while True:
                    while len(running) < self.workers * AHEAD and (item := next(todo, None)) is not None:
                        running.add(pool.submit(_look, item[0], _packed(item[1])))
                    if not running:
                        return
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            except BaseException:
                pool.shutdown(wait=False, kill_workers=True)
                raise


def can_wait_for_each_other() -> bool:
    """Whether a semaphore can be had: not where shared memory is missing, as in some containers, or full."""
    from loky.backend import get_context

    try:
        get_context().Lock()
    except (OSError, ImportError):
        return False
    return True


def _batches(table: pa.Table, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    start = 0
    for rows in table.to_batches(size):
        yield start, rows
        start += rows.num_rows


def _packed(rows: pa.RecordBatch) -> bytes:
    """Arrow's stream format. A slice is copied first, or the whole buffer that it is a part of would travel."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_batch(rows)
    release()
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


_looker: Any = None


def _start(job: Job) -> None:
    global _looker
    _looker = Looker(job)
    gc.freeze()  # nothing that stands here now is ever garbage, and need not be looked at again and again
    gc.set_threshold(100_000, 20, 20)


def _look(start: int, packed: bytes) -> Looked:
    import pyarrow as pa

    with pa.ipc.open_stream(packed) as reader:
        rows = reader.read_next_batch()
    looked: Looked = _looker.look(Batch.decode(rows, start))
    return looked
