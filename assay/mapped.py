"""A large table in an unnamed temporary file that is mapped into memory: what nobody looks at costs nothing.

A million records of 100 words are 0.7 GB, and of those a few MB are looked at at a time. Pages that were read stay with
the process until `release`; then they belong to the system, which keeps them as long as it has room.

The file has no name from the beginning, so that it is gone when the process is, however that ends.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    import pyarrow as pa

HELD_BYTES = 1 << 25
"""Smaller tables stay in memory."""

ALIGNMENT = 64
"""Arrow reads faster where its buffers begin at a multiple of this many bytes."""

RELEASED = 64
"""Records that are read before their pages are given back: the system maps 64 KB around each of their columns."""

_MAPPINGS: WeakSet[mmap.mmap] = WeakSet()
_unreleased = 0


class Batches:
    """Gathers the batches of one table: in memory until they have more than `held_bytes`, and then in a file.

    Where the disk takes no more, what follows stays in memory: it is a matter of space and not of correctness.
    """

    def __init__(self, schema: pa.Schema, held_bytes: int = HELD_BYTES) -> None:
        self._schema = schema
        self._room = held_bytes
        self._held: list[pa.RecordBatch] = []
        self._places: list[tuple[int, int]] = []
        """Of each batch that was written: where it begins, and its bytes."""
        self._file: IO[bytes] | None = None
        self._full = False

    def add(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._room -= batch.nbytes
        if self._room < 0 and not self._full:
            self._write_held()

    def finish(self) -> pa.Table:
        """All batches in their order; none can be added after it."""
        import pyarrow as pa

        return pa.Table.from_batches([*self._mapped(), *self._held], self._schema)

    def _write_held(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives as long as what is mapped
            while self._held:
                self._write(self._file, self._held[0])
                del self._held[0]
        except OSError:
            self._full = True

    def _write(self, file: IO[bytes], batch: pa.RecordBatch) -> None:
        """Raises OSError; the batch then counts as not written."""
        data = memoryview(batch.serialize())
        start = sum(self._places[-1]) if self._places else 0
        start += -start % ALIGNMENT
        file.seek(start)
        left = data
        while left:
            left = left[file.write(left) :]
        self._places.append((start, len(data)))

    def _mapped(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        if self._file is None or not self._places:
            return
        mapping = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._file.close()
        _MAPPINGS.add(mapping)
        whole = pa.py_buffer(mapping)
        for start, size in self._places:
            yield pa.ipc.read_record_batch(whole.slice(start, size), self._schema)


def release() -> None:
    """Gives back the pages of all mapped tables; who looks at one again gets it again."""
    if hasattr(mmap, "MADV_DONTNEED"):  # Windows has none, and takes pages back by itself
        for mapping in list(_MAPPINGS):
            mapping.madvise(mmap.MADV_DONTNEED)


def looked_at(records: int) -> None:
    """Tells that so many records were read, wherever they stand; releases now and then."""
    global _unreleased
    _unreleased += records
    if _unreleased >= RELEASED:
        _unreleased = 0
        release()
