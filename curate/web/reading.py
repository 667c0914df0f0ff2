"""The text of some rows: of each file only the row groups that hold them are decoded, several at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from assay.dataset import Dataset, messages_from_text
from assay.errors import SourceError
from assay.records import Origin, Record, Source, arrow_schema

from .places import RECORDS, completed

if TYPE_CHECKING:
    from .columns import Columns

WORKERS = min(8, os.cpu_count() or 1)
REMEMBERED_GROUPS = 8
"""Of about 2 MB; the rows of a page, and of the next, are often in the same ones."""

POOL = ThreadPoolExecutor(WORKERS, "assay-rows")


@lru_cache(maxsize=64)
def _edges(path: str, changed: int, size: int) -> tuple[Any, npt.NDArray[np.int64]]:
    """Metadata of a file, and where its row groups begin and end; shape [groups + 1]."""
    metadata = pq.read_metadata(path)
    sizes = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    return metadata, np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)


def edges(path: Path) -> npt.NDArray[np.int64]:
    """Where the row groups of a file begin, and its end. Raises SourceError."""
    return _known(path)[1]


def _known(path: Path) -> tuple[Any, npt.NDArray[np.int64]]:
    try:
        stat = path.stat()
        return _edges(str(path), stat.st_mtime_ns, stat.st_size)
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"cannot be read ({error})", where=str(path), fix="curate again") from error


def group(path: Path, number: int, columns: tuple[str, ...]) -> pa.Table:
    """Columns of one row group. Raises SourceError."""
    stat = path.stat()
    return _group(str(path), stat.st_mtime_ns, stat.st_size, number, columns)


@lru_cache(maxsize=REMEMBERED_GROUPS)
def _group(path: str, changed: int, size: int, number: int, columns: tuple[str, ...]) -> pa.Table:
    metadata, _ = _edges(path, changed, size)
    try:
        with pq.ParquetFile(path, metadata=metadata, memory_map=True) as file:
            return file.read_row_group(number, columns=list(columns), use_threads=False)
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"cannot be read ({error})", where=path, fix="curate again") from error


def taken(path: Path, rows: Sequence[int] | npt.NDArray[np.int64], columns: tuple[str, ...]) -> pa.Table:
    """Rows of a file in the order that is asked for, each of them once. Raises SourceError."""
    wanted = np.asarray(rows, np.int64)
    ends = edges(path)
    order = np.argsort(wanted, kind="stable")
    groups = np.searchsorted(ends, wanted[order], side="right") - 1

    def read(number: int) -> pa.Table:
        own = wanted[order[groups == number]] - ends[number]
        return group(path, number, columns).take(pa.array(own))

    numbers = np.unique(groups).tolist()
    parts = [read(number) for number in numbers] if len(numbers) < 2 else list(POOL.map(read, numbers))
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return pa.concat_tables(parts).take(pa.array(back)).combine_chunks()


ALL = (
    *("row_id", "record_id", "family", "split", "origin", "parents", "messages", "tools", "meta"),
    *("source_file", "source_line", "source_row"),
)


def records(columns: Columns, positions: Iterable[int]) -> dict[int, Record]:
    """{position: record}; rows without text are left out. Raises SourceError."""
    out: dict[int, Record] = {}
    for own, table in _tables(columns, positions, ALL):
        decoded = [record for batch in table.to_batches() for record in Dataset.decode(batch)]
        out |= dict(zip(own, decoded, strict=True))
    return out


SAID = ("record_id", "messages", "source_line", "source_row")


def conversations(columns: Columns, positions: Iterable[int]) -> dict[int, Record]:
    """The same with id, turns, place, origin and split alone: little of what a row group holds has to be decoded."""
    out: dict[int, Record] = {}
    for own, table in _tables(columns, positions, SAID):
        parts = (table.column(name).to_pylist() for name in SAID)
        for position, record, messages, line, row in zip(own, *parts, strict=True):
            source = Source(columns.sources.of(position), line, row)
            said = messages_from_text(messages)
            origin, split = columns.origins.of(position), columns.splits.of(position)
            out[position] = Record(record or "", "", said, source, origin=cast("Origin", origin), split=split)
    return out


def _tables(columns: Columns, positions: Iterable[int], names: tuple[str, ...]) -> Iterator[tuple[list[int], pa.Table]]:
    """Of each file the rows that are asked for and have a text: their positions, and a table in that order."""
    wanted = np.fromiter((position for position in positions if columns.has_text(position)), np.int64)
    for file, name in enumerate(RECORDS):
        own = wanted[columns.files[wanted] == file] if len(wanted) else wanted
        if len(own):
            path = columns.folder / name
            table = completed(taken(path, columns.places[own], names), arrow_schema())
            if "messages" not in table.column_names:
                raise SourceError("has no column 'messages'", where=str(path), fix="curate again")
            yield own.tolist(), table
