"""Parquet, Arrow and Feather, batch by batch."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.containers.raw import RawRow, read_all, suffixes
from assay.errors import SourceError
from assay.records import Json, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

CELLS_A_BATCH = 50_000
BATCH_BYTES = 1 << 24
"""Of rows that become Python objects together, unless one row alone has more."""


def parquet_rows(path: Path, name: str) -> Iterator[RawRow]:
    """Raises SourceError when the file is no Parquet, or holds no rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(_opened(path))
        rows = max(1, CELLS_A_BATCH // max(1, len(file.schema_arrow.names)))
        batches = file.iter_batches(batch_size=rows)
        schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"is not Parquet ({_first_line(error)})", where=name) from error
    return _not_empty(batch_rows(batches, schema), name)


def arrow_rows(path: Path, name: str) -> Iterator[RawRow]:
    """The file and the stream layout of Arrow, and Feather. Raises SourceError."""
    import pyarrow as pa

    source = _opened(path)
    try:
        file = pa.ipc.open_file(source)
        return _not_empty(
            batch_rows((file.get_batch(index) for index in range(file.num_record_batches)), file.schema), name
        )
    except (pa.ArrowException, OSError):
        pass
    try:
        stream = pa.ipc.open_stream(_opened(path))
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"is not Arrow ({_first_line(error)})", where=name) from error
    return _not_empty(batch_rows(iter(stream), stream.schema), name)


def is_assay_parquet(path: Path) -> bool:
    """Whether a Parquet file has the columns of `assay.records.arrow_schema`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return set(arrow_schema().names) <= set(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        return False


def batch_rows(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[RawRow]:
    """Rows of batches of one schema; class labels that Hugging Face's metadata name become their names."""
    import pyarrow as pa

    convert = _converters(schema)
    row = 0
    while True:
        try:
            batch = next(batches, None)
            if batch is not None:
                _check_offsets(batch)
        except (pa.ArrowException, OSError) as error:
            yield RawRow(None, None, row, f"the file breaks off here ({_first_line(error)})")
            return
        if batch is None:
            return
        for value, fault in _values(batch):
            if fault is None:
                for name, function in convert.items():
                    value[name] = function(value[name])
            yield RawRow(value, None, row, fault)
            row += 1


def _check_offsets(batch: pa.RecordBatch) -> None:
    """Offsets of a damaged file may point anywhere in memory. Raises ArrowInvalid.

    Text that is no UTF-8 is the fault of its row alone, and found there.
    """
    import pyarrow as pa

    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                raise


def _values(batch: pa.RecordBatch) -> Iterator[tuple[Any, str | None]]:
    rows = max(1, batch.num_rows * BATCH_BYTES // max(batch.nbytes, BATCH_BYTES))
    for start in range(0, batch.num_rows, rows):
        part = batch.slice(start, rows)
        try:
            yield from ((value, None) for value in part.to_pylist())
        except UnicodeDecodeError:
            yield from map(_value, (part.slice(index, 1) for index in range(part.num_rows)))


def _value(row: pa.RecordBatch) -> tuple[Any, str | None]:
    try:
        return row.to_pylist()[0], None
    except UnicodeDecodeError as error:
        return None, f"invalid UTF-8 at position {error.start + 1} of a cell"


def _converters(schema: pa.Schema) -> dict[str, Callable[[Any], Any]]:
    """What must be done to the cells of a column so that they are JSON."""
    import pyarrow as pa

    labels = _class_labels(schema)
    out: dict[str, Callable[[Any], Any]] = {}
    for field in schema:
        kind = field.type
        if field.name in labels:
            out[field.name] = _label_reader(labels[field.name])
        elif not (
            pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_null(kind)
        ):
            out[field.name] = plain
    return out


def _class_labels(schema: pa.Schema) -> dict[str, list[str]]:
    metadata = (schema.metadata or {}).get(b"huggingface")
    if metadata is None:
        return {}
    try:
        features = json.loads(metadata)["info"]["features"]
        return {
            name: feature["names"]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _label_reader(names: list[str]) -> Callable[[Any], Any]:
    return lambda value: names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def plain(value: Any) -> Json:
    """A value as JSON has it. Nulls in objects go: Arrow fills in every key that some other row has."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal | datetime.timedelta):
        return str(value)
    return value


def _opened(path: Path) -> Any:
    import pyarrow as pa

    return pa.BufferReader(read_all(path)) if suffixes(path)[1] else pa.memory_map(str(path))


def _not_empty(rows: Iterator[RawRow], name: str) -> Iterator[RawRow]:
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise SourceError("holds no rows", where=name)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["unknown error"])[0][:120]
