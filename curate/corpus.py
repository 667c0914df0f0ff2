"""All records of a data set as a sequence that decodes them when they are asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from assay.dataset import BATCH_ROWS, Dataset
from assay.records import Record

if TYPE_CHECKING:
    import pyarrow as pa

REMEMBERED = 8192
"""Records asked for one by one that are kept decoded; about 2 KB each."""

LONG_CHARACTERS = 1 << 14
"""A record with more than this is decoded anew each time: a few thousand of megabytes each would fill any memory."""


class Corpus(Sequence[Record]):
    """The rows of an Arrow table in the schema of `assay.records.arrow_schema`."""

    def __init__(self, table: pa.Table) -> None:
        self._batches: list[pa.RecordBatch] = table.to_batches(BATCH_ROWS)
        self._starts = [0]
        for batch in self._batches:
            self._starts.append(self._starts[-1] + batch.num_rows)
        self._remembered: OrderedDict[int, Record] = OrderedDict()

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[Record]:
        for batch in self._batches:
            yield from Dataset.decode(batch)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        position = int(index)
        if position < 0:
            position += len(self)
        if not 0 <= position < len(self):
            raise IndexError(index)
        if position not in self._remembered:
            record = self._decode(position)
            self._remember(position, record)
            return record
        self._remembered.move_to_end(position)
        return self._remembered[position]

    def take(self, positions: Iterable[int]) -> list[Record]:
        """The records at several positions, read batch by batch: several times as fast as one by one."""
        wanted = [int(position) for position in positions]
        found: dict[int, Record] = {}
        by_batch: dict[int, list[int]] = {}
        for position in dict.fromkeys(wanted):
            if position in self._remembered:
                found[position] = self._remembered[position]
            else:
                by_batch.setdefault(bisect_right(self._starts, position) - 1, []).append(position)
        for index, own in by_batch.items():
            start = self._starts[index]
            rows = self._batches[index].take([position - start for position in own])
            for position, record in zip(own, Dataset.decode(rows), strict=True):
                found[position] = record
                self._remember(position, record)
        return [found[position] for position in wanted]

    def _decode(self, position: int) -> Record:
        index = bisect_right(self._starts, position) - 1
        return Dataset.decode(self._batches[index].slice(position - self._starts[index], 1))[0]

    def _remember(self, position: int, record: Record) -> None:
        if sum(len(message.content or "") for message in record.messages) > LONG_CHARACTERS:
            return
        self._remembered[position] = record
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
