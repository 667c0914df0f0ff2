"""Dataset: records as an Arrow table with a digest, streamed in batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from assay.errors import SourceError
from assay.findings import Finding
from assay.mapped import looked_at, release
from assay.records import Message, Origin, Record, Source, arrow_schema, message_from_json, message_to_json

if TYPE_CHECKING:
    import datasets
    import pandas as pd
    import pyarrow as pa

BATCH_ROWS = 1024


@dataclass(frozen=True)
class Dataset:
    """Records in the schema of `assay.records.arrow_schema`.

    faults  one finding for each row that could not be read as a record; such rows count as read
    notes   what detection took for what, one line a file
    """

    table: pa.Table
    faults: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def from_records(
        cls, records: Iterable[Record], faults: Sequence[Finding] = (), notes: Sequence[str] = ()
    ) -> Dataset:
        import pyarrow as pa

        schema = arrow_schema()
        batches = [
            pa.RecordBatch.from_pylist([_to_row(record) for record in chunk], schema)
            for chunk in _chunks(records, BATCH_ROWS)
        ]
        return cls(pa.Table.from_batches(batches, schema), tuple(faults), tuple(notes))

    def __repr__(self) -> str:
        """Without text of records: a notebook or a log shows it unasked."""
        return f"Dataset({self.rows_read:,} rows read, {len(self):,} records)"

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def rows_read(self) -> int:
        """Readable rows and faulty ones."""
        return len(self) + len(self.faults)

    @cached_property
    def digest(self) -> str:
        """sha256 over record ids, splits, families, origins and parents, in row order: what training depends on."""
        digest = hashlib.sha256()
        columns = ["record_id", "split", "family", "origin", "parents"]
        for batch in self.table.select(columns).to_batches():
            for values in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
                digest.update(json.dumps(values).encode())
            release()
        return digest.hexdigest()

    def records(self) -> Iterator[Record]:
        """Every record in order, made batch by batch."""
        for batch in self.table.to_batches(BATCH_ROWS):
            yield from self.decode(batch)

    def every(self, step: int) -> Iterator[Record]:
        """The first record, and then each that stands `step` further on."""
        start = 0
        for batch in self.table.to_batches(BATCH_ROWS):
            rows = list(range(-start % step, batch.num_rows, step))
            if rows:
                yield from self.decode(batch.take(rows))
            start += batch.num_rows

    @staticmethod
    def decode(rows: pa.RecordBatch) -> list[Record]:
        """The records of some rows of a table."""
        columns = (rows.column(name).to_pylist() for name in _DECODED)
        records = [_decoded(*values) for values in zip(*columns, strict=True)]
        looked_at(len(records))
        return records

    def row_ids(self) -> list[str]:
        """Of all rows read, faulty ones last."""
        return cast("list[str]", self.row_id_column().to_pylist())

    def row_id_column(self) -> pa.ChunkedArray:
        """The same as `row_ids`, as Arrow holds it."""
        import pyarrow as pa

        faulty = pa.array([fault.row_id for fault in self.faults], pa.string())
        return pa.chunked_array([*self.table.column("row_id").chunks, faulty], pa.string())

    def positions(self, row_ids: Sequence[str]) -> list[int]:
        """Where rows stand in the table, -1 for those that do not."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = list(dict.fromkeys(row_ids))
        found = pc.index_in(self.table.column("row_id"), value_set=pa.array(wanted, pa.string()))
        present = pc.indices_nonzero(pc.is_valid(found))
        named = found.take(present).to_pylist()
        place = {wanted[index]: at for index, at in zip(named, present.to_pylist(), strict=True)}
        release()
        return [place.get(row_id, -1) for row_id in row_ids]

    def select_rows(self, row_ids: Collection[str]) -> Dataset:
        """Those rows, in the order of the table, without faults."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(list(row_ids), pa.string())
        return Dataset(self.table.filter(pc.is_in(self.table.column("row_id"), value_set=wanted)))

    def select_split(self, split: str) -> Dataset:
        """The rows of one split, without faults."""
        import pyarrow.compute as pc

        return Dataset(self.table.filter(pc.equal(self.table.column("split"), split)))

    def head(self, limit: int | None) -> Dataset:
        """The first `limit` rows; all of them for None."""
        return self if limit is None else replace(self, table=self.table.slice(0, limit))

    def write_parquet(self, path: Path) -> None:
        """Atomically."""
        from assay.storage import write_table

        write_table(self.table, path)

    @classmethod
    def read_parquet(cls, path: Path) -> Dataset:
        """A file that `write_parquet` wrote; raises SourceError when it is something else."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise SourceError(f"cannot be read as Parquet ({error})", where=str(path)) from error
        missing = [name for name in arrow_schema().names if name not in table.column_names]
        if missing:
            raise SourceError(
                f"is not a data set that assay wrote: no column {missing[0]}",
                where=str(path),
                fix="read it with `assay audit`, which takes any format",
            )
        return cls(table.select(arrow_schema().names).cast(arrow_schema()))

    def to_pandas(self) -> pd.DataFrame:
        """One row a record, messages and tools as Python lists, meta as a dict."""
        frame = self.table.to_pandas()
        for name in ("messages", "tools", "meta"):
            frame[name] = [json.loads(text) for text in frame[name]]
        return cast("pd.DataFrame", frame)

    def to_datasets(self) -> datasets.Dataset:
        """A Hugging Face data set with the same columns; messages, tools and meta stay JSON strings."""
        import datasets

        return datasets.Dataset(self.table)


def _to_row(record: Record) -> dict[str, Any]:
    return {
        "row_id": record.row_id,
        "record_id": record.id,
        "family": record.family,
        "split": record.split,
        "origin": record.origin,
        "parents": list(record.parents),
        "messages": messages_to_text(record.messages),
        "tools": dump_json(list(record.tools)),
        "meta": dump_json(dict(record.meta)),
        "source_file": record.source.file,
        "source_line": record.source.line,
        "source_row": record.source.row,
    }


_DECODED = (
    *("record_id", "row_id", "messages", "source_file", "source_line", "source_row"),
    *("tools", "origin", "parents", "meta", "family", "split"),
)


def _decoded(
    record_id: str,
    row_id: str,
    messages: str,
    file: str,
    line: int | None,
    row: int,
    tools: str,
    origin: Origin,
    parents: list[str],
    meta: str,
    family: str,
    split: str,
) -> Record:
    return Record(
        record_id,
        row_id,
        messages_from_text(messages),
        Source(file, line, row),
        tuple(json.loads(tools)) if tools != "[]" else (),
        origin,
        tuple(parents),
        json.loads(meta) if meta != "{}" else {},
        family,
        split,
    )


def messages_to_text(messages: Sequence[Message]) -> str:
    """The `messages` column: a JSON array."""
    import orjson

    plain = [message_to_json(message) for message in messages]
    if not any(message.tool_calls for message in messages):  # text alone, where all encoders say the same
        try:
            return orjson.dumps(plain).decode()
        except TypeError:  # a lone surrogate
            pass
    return dump_json(plain)


def messages_from_text(text: str) -> tuple[Message, ...]:
    import orjson

    if '"tool_calls"' not in text:
        try:
            return tuple(message_from_json(item) for item in orjson.loads(text))
        except ValueError:  # an escaped lone surrogate
            pass
    return tuple(message_from_json(item) for item in json.loads(text))


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def dump_json(value: Any) -> str:
    """Compact JSON that Arrow can hold: lone surrogates, which UTF-8 cannot carry, stay escaped."""
    text = _ENCODER.encode(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), default=str)
    return text


def _chunks(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
