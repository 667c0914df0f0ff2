"""Writes to a journal for many requests under way at once: what waits while the disk is busy goes in the next write.

A write that is safe from a power cut takes milliseconds, whatever is in it; one for each request would take longer
than the requests.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from assay.calls.journal import Journal, Operation, Result

GATHERED = 4
"""Turns of the event loop before a write: what an answer sets off, as the next call's reservation, goes with it."""


class JournalWriter:
    """An asynchronous context manager: when it is left, all is on disk."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[Operation, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> JournalWriter:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while self._task is not None and not self._task.done():
                await asyncio.shield(self._task)
        finally:
            self._pool.shutdown(wait=True)

    def put(self, operation: Operation) -> asyncio.Future[Result]:
        """Done when it is on disk. Fails with RunError where it cannot be written."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        return future

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            for _ in range(GATHERED):
                await asyncio.sleep(0)
            now, self._waiting = self._waiting, []
            try:
                results = await loop.run_in_executor(self._pool, self._journal.write, [each for each, _ in now])
            except Exception as error:  # noqa: BLE001 whoever waits is told, or would wait for ever
                for _, future in now:
                    if not future.cancelled():
                        future.set_exception(error)
                        future.exception()  # what nobody waits for is no warning: the write that is waited for says it
                continue
            for (_, future), result in zip(now, results, strict=True):
                if not future.cancelled():
                    future.set_result(result)
