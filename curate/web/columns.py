"""What is known of every row of a run without its text, held in memory: fate, file, source, origin, split, findings.

Rows are named by their position in the ledger. data.parquet, held.parquet and dropped.parquet hold the rows of their
fates in that order (docs/decisions/0107), so that the fates say where the text of a row is. A folder without a ledger
is its files one after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.errors import SourceError
from assay.findings import Fate, Severity

from ..overview.looked import FILE as LOOKED
from .places import RECORDS, column
from .remembered import Remembered

Whole: TypeAlias = npt.NDArray[np.int64]
Small: TypeAlias = npt.NDArray[np.int32]

FATES = tuple(str(fate) for fate in Fate)
SEVERITIES = tuple(str(severity) for severity in Severity)
FILE_OF = {Fate.KEPT: 0, Fate.REPAIRED: 0, Fate.HELD: 1, Fate.DROPPED: 2}
"""Which of RECORDS holds the rows of a fate."""

LEDGER, FINDINGS = "ledger.parquet", "findings.parquet"
HELD_IN_MEMORY = 4
"""Runs; of a million rows each takes about 60 MB."""


class Coded(NamedTuple):
    """A column of few values: codes are positions in values, -1 for none; shape [rows]."""

    codes: Small
    values: tuple[str, ...]

    def where(self, value: str) -> npt.NDArray[np.bool_]:
        """Rows that have the value."""
        code = self.values.index(value) if value in self.values else -2
        found: npt.NDArray[np.bool_] = self.codes == code
        return found

    def counts(self) -> dict[str, int]:
        """{value: rows}, most frequent first."""
        counted = np.bincount(self.codes[self.codes >= 0], minlength=len(self.values)).tolist()
        named = sorted(zip(self.values, counted, strict=True), key=lambda pair: (-pair[1], pair[0]))
        return {value: number for value, number in named if number}

    def of(self, position: int) -> str:
        code = int(self.codes[position])
        return self.values[code] if code >= 0 else ""


@dataclass(frozen=True)
class Found:
    """Findings by the position of their row, sorted by it; shape [findings]. rows: of findings.parquet."""

    positions: Whole
    checks: Coded
    severities: Coded
    rows: Whole

    def of(self, position: int) -> slice:
        """The findings of one row."""
        first, last = np.searchsorted(self.positions, (position, position + 1))
        return slice(int(first), int(last))


class Columns:
    """The rows of one folder as it is now.

    files   RECORDS, with the rows that each holds; -1 where it is not there
    places  the row within its file, shape [rows]; a row that could not be read has one beyond the file's end
    """

    def __init__(self, folder: Path) -> None:
        """Raises SourceError where the files are not of one run."""
        self._lock = threading.Lock()
        self.folder = folder
        self.rows_of = tuple(_rows(folder / name) for name in RECORDS)
        self.fates, self.sources = self._fates_and_sources()
        file_of = np.array([FILE_OF[Fate(fate)] for fate in self.fates.values], np.int8)
        self.files: npt.NDArray[np.int8] = file_of[self.fates.codes]
        self.places: Whole = np.zeros(len(self), np.int64)
        for file, rows in enumerate(self.rows_of):
            own = np.flatnonzero(self.files == file)
            self.places[own] = np.arange(len(own))
            if len(own) < rows or (len(own) > rows >= 0 and file < 2):
                raise SourceError(
                    f"{RECORDS[file]} has {rows:,} rows where {LEDGER} names {len(own):,}",
                    where=str(folder),
                    fix="curate again: the files are not of one run",
                )

    def __len__(self) -> int:
        return len(self.fates.codes)

    def _fates_and_sources(self) -> tuple[Coded, Coded]:
        path = self.folder / LEDGER
        if path.is_file():
            table = _read(path, ("fate", "source_file"))
            return coded(table, "fate"), coded(table, "source_file")
        fates = [Fate.KEPT, Fate.HELD, Fate.DROPPED]
        counts = [max(0, rows) for rows in self.rows_of]
        made = _repeated([str(fate) for fate in fates], counts)
        return made, self._joined("source_file", made)

    def _joined(self, name: str, fates: Coded) -> Coded:
        parts = [self._of_file(file, name) for file, rows in enumerate(self.rows_of) if rows > 0]
        return _concatenated(parts)

    def _of_file(self, file: int, name: str) -> Coded:
        return coded(_read(self.folder / RECORDS[file], (name,)), name)

    def _scattered(self, name: str) -> Coded:
        """A column of the files, by the position of the rows; none for rows without text."""
        values: list[str] = []
        codes: Small = np.full(len(self), -1, np.int32)
        for file, rows in enumerate(self.rows_of):
            if rows > 0:
                own = self._of_file(file, name)
                new = [value for value in own.values if value not in values]
                values += new
                renamed = np.array([values.index(value) for value in own.values] or [0], np.int32)
                codes[np.flatnonzero(self.files == file)[:rows]] = np.where(own.codes >= 0, renamed[own.codes], -1)
        return Coded(codes, tuple(values))

    @cached_property
    def origins(self) -> Coded:
        return self._scattered("origin")

    @cached_property
    def splits(self) -> Coded:
        return self._scattered("split")

    @cached_property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Rows that train: kept and repaired; shape [rows]."""
        found: npt.NDArray[np.bool_] = self.files == FILE_OF[Fate.KEPT]
        return found

    def row_ids(self) -> pa.ChunkedArray:
        """Of every row."""
        path = self.folder / LEDGER
        if path.is_file():
            return column(path, "row_id")
        parts = [column(self.folder / name, "row_id") for name in RECORDS]
        return pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())

    def position(self, row_id: str) -> int:
        """-1 for a row that is not here."""
        return int(self.row_ids().index(row_id).as_py())

    def has_text(self, position: int) -> bool:
        return bool(self.places[position] < self.rows_of[int(self.files[position])])

    @property
    def found(self) -> Found:
        """Findings of rows that the ledger does not name are left out."""
        with self._lock:  # a page that is asked while it is read for another waits for that
            return self._found

    @cached_property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """{column: {value: rows}}, most frequent first; of checks their findings."""
        coded = {"fate": self.fates, "source": self.sources, "origin": self.origins, "split": self.splits}
        return {name: column.counts() for name, column in {**coded, "check": self.found.checks}.items()}

    @cached_property
    def _found(self) -> Found:
        path = self.folder / FINDINGS
        table = _read(path, ("check", "severity"), ("row_id",)) if path.is_file() else None
        if table is None or not table.num_rows:
            nothing = np.zeros(0, np.int64)
            return Found(nothing, Coded(nothing.astype(np.int32), ()), Coded(nothing.astype(np.int32), ()), nothing)
        own = table.column("row_id").combine_chunks()
        named = own.unique()
        at = pc.index_in(self.row_ids(), value_set=named)
        present = np.flatnonzero(pc.is_valid(at).to_numpy())
        place = np.full(len(named), -1, np.int64)
        place[at.take(pa.array(present)).to_numpy()] = present
        positions = place[pc.index_in(own, value_set=named).to_numpy()]
        order = np.argsort(positions, kind="stable")
        order = order[positions[order] >= 0]
        checks, severities = coded(table, "check"), coded(table, "severity")
        return Found(
            positions[order],
            Coded(checks.codes[order], checks.values),
            Coded(severities.codes[order], severities.values),
            order,
        )


_COLUMNS: Remembered[Columns] = Remembered(HELD_IN_MEMORY)


def columns_of(folder: Path) -> Columns:
    """Of the files as they are now: read once a version of them. Raises SourceError."""
    return _COLUMNS.get((folder, version_of(folder)), lambda: Columns(folder))


def version_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time of change and size of each file that the columns are of."""
    out = []
    for name in (*RECORDS, LEDGER, FINDINGS, LOOKED):
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        out.append((name, stat.st_mtime_ns, stat.st_size))
    return tuple(out)


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except FileNotFoundError:
        return -1
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"cannot be read as Parquet ({error})", where=str(path), fix="curate again") from error


def _read(path: Path, coded: Sequence[str], plain: Sequence[str] = ()) -> pa.Table:
    """Columns of a file, those in `coded` as dictionaries. Raises SourceError."""
    try:
        with pq.ParquetFile(path, read_dictionary=list(coded), memory_map=True) as file:
            return file.read(columns=[*coded, *plain])
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise SourceError(f"cannot be read ({error})", where=str(path), fix="curate again") from error


def coded(table: pa.Table, name: str) -> Coded:
    """A column of a table; none of a column that is not there."""
    if name not in table.column_names:
        return Coded(np.full(table.num_rows, -1, np.int32), ())
    values = table.column(name)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    one = values.unify_dictionaries().combine_chunks()
    if isinstance(one, pa.ChunkedArray):  # of a column without rows
        return Coded(np.zeros(0, np.int32), ())
    codes = one.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Coded(codes, tuple(str(value) for value in one.dictionary.to_pylist()))


def _repeated(values: Sequence[str], counts: Sequence[int]) -> Coded:
    return Coded(np.repeat(np.arange(len(values), dtype=np.int32), counts), tuple(values))


def _concatenated(parts: Sequence[Coded]) -> Coded:
    values = tuple(dict.fromkeys(value for part in parts for value in part.values))
    place: Mapping[str, int] = {value: number for number, value in enumerate(values)}
    codes: list[Any] = [np.zeros(0, np.int32)]
    for part in parts:
        renamed = np.array([place[value] for value in part.values] or [0], np.int32)
        codes.append(np.where(part.codes >= 0, renamed[part.codes], -1))
    return Coded(np.concatenate(codes).astype(np.int32), values)
