"""The texts of many rows, read from the first on for as long as a page may wait, and further when asked again.

What was read is kept between requests: "the next page" and "go on" read no row twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .columns import Columns
from .places import RECORDS
from .reading import WORKERS, edges, taken

Positions: TypeAlias = npt.NDArray[np.int64]

UNITS = ThreadPoolExecutor(WORKERS, "assay-units")
"""Not the threads that read row groups: a unit waits for those, and would wait for itself."""

UNIT_ROWS = 4096
"""Rows that are looked at in one go, about a row group."""

Work: TypeAlias = Callable[[pa.Table], Any]
Gather: TypeAlias = Callable[[Positions, Any], None]


class Walk:
    """Through rows, some units at once in threads; what is found is gathered in the order of the rows.

    columns, positions  which rows; all of them for None
    names               of the columns that are read
    work                from a table with those columns to what is found in its rows
    gather              is given the positions of the rows of such a table, and what was found
    looked              rows that were gone through, of `total`; those without text count
    """

    def __init__(
        self, columns: Columns, positions: Positions | None, names: tuple[str, ...], work: Work, gather: Gather
    ) -> None:
        self.total = len(columns) if positions is None else len(positions)
        self.looked = 0
        self._columns, self._positions, self._names = columns, positions, names
        self._work, self._gather = work, gather
        self._starts = deque(_units(columns, positions))
        self._ahead: deque[Future[tuple[int, list[tuple[Positions, Any]]]]] = deque()
        self._lock = threading.Lock()

    @property
    def ended(self) -> bool:
        return self.looked >= self.total

    def go_on(self, enough: Callable[[], bool], seconds: float) -> None:
        """Until there is enough, the time is over, or all rows were gone through. Raises SourceError."""
        until = time.monotonic() + seconds
        with self._lock:
            while not self.ended and not enough():
                while self._starts and len(self._ahead) <= WORKERS:
                    self._ahead.append(UNITS.submit(self._unit, *self._starts.popleft()))
                try:
                    rows, found = self._ahead[0].result(max(0.001, until - time.monotonic()))
                except TimeoutError:
                    return
                self._ahead.popleft()
                for positions, values in found:
                    self._gather(positions, values)
                self.looked += rows
                if time.monotonic() > until:
                    return

    def _unit(self, start: int, end: int) -> tuple[int, list[tuple[Positions, Any]]]:
        columns = self._columns
        own = np.arange(start, end) if self._positions is None else self._positions[start:end]
        files, places = columns.files[own], columns.places[own]
        found = []
        for file, name in enumerate(RECORDS):
            inside = np.flatnonzero((files == file) & (places < columns.rows_of[file]))
            if len(inside):
                table = taken(columns.folder / name, places[inside], self._names)
                found.append((own[inside], self._work(table)))
        return len(own), found


def _units(columns: Columns, positions: Positions | None) -> list[tuple[int, int]]:
    """Of all rows those from one row group of data.parquet to the next; of some rows, so many at a time."""
    total = len(columns) if positions is None else len(positions)
    if positions is None and columns.rows_of[0] > UNIT_ROWS:
        begins = np.flatnonzero(columns.files == 0)[edges(columns.folder / RECORDS[0])[:-1]]
        cuts = sorted({0, *begins.tolist(), total})
    else:
        cuts = [*range(0, total, UNIT_ROWS), total]
    return [(start, end) for start, end in pairwise(cuts) if end > start]
