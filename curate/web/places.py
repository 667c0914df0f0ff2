"""Where a row of a run stands, and the row alone: of a million, what is read is the row group that holds it.

A column is read once a version of its file (path, time of change, size) and kept; a look-up is one walk over it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.dataset import Dataset
from assay.findings import Finding, Ledger, LedgerRow, Severity, Span, ledger_schema
from assay.records import Json, Record, Source, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

RECORDS = ("data.parquet", "held.parquet", "dropped.parquet")
"""Files of a run that hold records; each row of the run is in at most one of them."""

KEPT_COLUMNS = 24
"""Columns that are held in memory: of a million rows, 16 letters an id, about 20 MB each."""


class Place(NamedTuple):
    """A row, from 0, of a file in the schema of `assay.records.arrow_schema`."""

    path: Path
    row: int


def column(path: Path, name: str) -> pa.ChunkedArray:
    """One column of a file; without rows where the file or the column is not there."""
    try:
        found = path.stat()
    except OSError:
        return _nothing()
    return _column(str(path), name, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=KEPT_COLUMNS)
def _column(path: str, name: str, changed: int, size: int) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        if name not in file.schema_arrow.names:
            return _nothing()
        return file.read(columns=[name]).column(name)
    except (OSError, pa.ArrowInvalid):
        return _nothing()


def _nothing() -> pa.ChunkedArray:
    import pyarrow as pa

    return pa.chunked_array([], pa.string())


def find(folder: Path, value: str, name: str = "row_id", files: Sequence[str] = RECORDS) -> Place | None:
    """The first row of the run with this row id (or record_id, with `name`)."""
    for file in files:
        row = column(folder / file, name).index(value).as_py()
        if row >= 0:
            return Place(folder / file, row)
    return None


def find_all(folder: Path, values: Sequence[str]) -> list[Place]:
    """The rows of the run with these row ids, in the order of its files, in one walk over each."""
    return [Place(folder / file, row) for file in RECORDS for row in rows_among(folder / file, "row_id", values)]


def rows_among(path: Path, name: str, values: Sequence[str]) -> list[int]:
    """Rows of a file whose column has one of the values, in order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = column(path, name)
    if len(found) == 0 or not values:
        return []
    return [int(row) for row in pc.indices_nonzero(pc.is_in(found, pa.array(list(values), found.type))).to_pylist()]


def rows_with(path: Path, **values: str) -> list[int]:
    """Rows of a file in which every named column has its value, in order."""
    import pyarrow.compute as pc

    mask = None
    for name, value in values.items():
        found = column(path, name)
        if len(found) == 0:
            return []
        same = pc.equal(found, value)
        mask = same if mask is None else pc.and_kleene(mask, same)
    return [] if mask is None else [int(row) for row in pc.indices_nonzero(mask).to_pylist()]


def rows_whose_list_has(path: Path, name: str, value: str) -> list[int]:
    """Rows of a file whose list column holds the value, in order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = column(path, name)
    if len(found) == 0 or not pa.types.is_list(found.type):
        return []
    parents = pc.list_parent_indices(found)
    inside = pc.equal(pc.list_flatten(found), value)
    return list(dict.fromkeys(int(row) for row in parents.filter(inside).to_pylist()))


def table_of(path: Path, rows: Sequence[int]) -> pa.Table:
    """Those rows of a file, in the order of the file, from the row groups that hold them.

    Raises OSError or ArrowInvalid for what is no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, memory_map=True) as file:
        parts = [file.schema_arrow.empty_table()]
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        edges = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
        for number, (start, end) in enumerate(pairwise(edges)):
            own = sorted(row - start for row in set(rows) if start <= row < end)
            if own:
                parts.append(_taken(file, number, own))
        return pa.concat_tables(parts)


_BATCH = 2048


def _taken(file: Any, group: int, rows: list[int]) -> pa.Table:
    """Of one row group, decoded no further than the last of the rows: files of old have one group of a million."""
    import pyarrow as pa

    parts, start = [], 0
    for batch in file.iter_batches(_BATCH, row_groups=[group]):
        own = [row - start for row in rows if start <= row < start + batch.num_rows]
        parts += [batch.take(pa.array(own))] if own else []
        start += batch.num_rows
        if start > rows[-1]:
            break
    return pa.Table.from_batches(parts, file.schema_arrow)


def records_at(places: Sequence[Place]) -> list[Record]:
    """The records, in the order of their files and rows."""
    out: list[Record] = []
    for path in dict.fromkeys(place.path for place in places):
        table = table_of(path, [place.row for place in places if place.path == path])
        for batch in completed(table, arrow_schema()).to_batches():
            out += Dataset.decode(batch)
    return out


def record_of(folder: Path, row_id: str) -> Record | None:
    """None where no file of the run holds the row."""
    place = find(folder, row_id)
    return None if place is None else next(iter(records_at([place])), None)


def ledger_rows(folder: Path, row_ids: Sequence[str]) -> list[LedgerRow]:
    """What became of these rows, in the order of the ledger."""
    path = folder / "ledger.parquet"
    rows = rows_among(path, "row_id", row_ids)
    if not rows or not len(column(path, "fate")):
        return []
    return list(Ledger(completed(table_of(path, rows), ledger_schema())).rows)


UNKNOWN: Mapping[str, Any] = {
    **dict.fromkeys(("record_id", "family", "split", "source_file"), ""),
    **dict.fromkeys(("parents", "reasons"), ()),
    "origin": "human",
    "tools": "[]",
    "meta": "{}",
    "source_row": 0,
}
"""What stands in a column that another version did not write; in one that is not named here, nothing."""


def completed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """With a column for each of the schema but row ids and turns, which cannot be made up."""
    import pyarrow as pa

    for field in schema:
        if field.name not in (*table.column_names, "row_id", "messages"):
            table = table.append_column(field, pa.array([UNKNOWN.get(field.name)] * table.num_rows, field.type))
    return table


def findings_at(path: Path, rows: Sequence[int]) -> list[Finding]:
    """Rows of findings.parquet as findings, in order."""
    return [_finding(row) for row in table_of(path, rows).to_pylist()] if rows else []


def _finding(row: dict[str, Any]) -> Finding:
    """Of a column that another version did not write nothing is known."""
    message, start, end, text = (row.get(f"span_{name}") for name in ("message", "start", "end", "text"))
    span = None if message is None or start is None or end is None else Span(message, start, end, text or "")
    source = Source(row.get("source_file") or "", row.get("source_line"), row.get("source_row") or 0)
    try:
        evidence: Json = json.loads(row.get("evidence") or "{}")
    except ValueError:
        evidence = {}
    severity = Severity(row.get("severity") or Severity.INFO)
    check, said, record, own = (str(row.get(name) or "") for name in ("check", "message", "record_id", "row_id"))
    return Finding(check, severity, said, record, own, source, span, evidence, row.get("group"))
