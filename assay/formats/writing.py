"""Writes records in a format, into JSONL, JSON, CSV, TSV or Parquet, whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from assay.containers.formula_cells import escape
from assay.containers.raw import suffixes
from assay.dataset import Dataset, dump_json
from assay.errors import SettingsError
from assay.formats.format import Format, NotCarried
from assay.storage import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

JSON_TEXT_COLUMNS = ("messages", "conversations", "tools", "history", "instances", "tool_calls")
"""Columns whose readers also take JSON text, so that a cell of text can hold them."""


def write_rows(dataset: Dataset, path: Path, form: Format) -> None:
    """As `assay.formats.write`, for a format that is already found."""
    kind, compression = suffixes(path)
    writers: dict[str, Callable[[Iterator[dict[str, Any]], IO[bytes]], None]] = {
        ".jsonl": _write_jsonl,
        ".ndjson": _write_jsonl,
        ".json": _write_json,
        ".csv": _write_csv,
        ".tsv": _write_tsv,
        ".parquet": _write_parquet,
    }
    if kind not in writers:
        raise SettingsError(
            f"cannot be written as '{kind or path.name}'", where=str(path), fix=f"name it {', '.join(writers)}"
        )

    def write(file: IO[bytes]) -> None:
        with _compressed(file, compression) as inner:
            writers[kind](_rows(dataset, form), inner)

    try:
        write_atomically(path, write)
    except NotCarried as error:
        raise SettingsError(
            f"cannot be written as {form.name} in {kind} because it has no place for {error}",
            where=str(path),
            fix="write format messages as .jsonl, which holds every record",
        ) from error


def _rows(dataset: Dataset, form: Format) -> Iterator[dict[str, Any]]:
    for record in dataset.records():
        try:
            yield from form.write(record)
        except NotCarried as error:
            raise NotCarried(f"{error} ({record.source}, record {record.id})") from error


@contextmanager
def _compressed(file: IO[bytes], compression: str) -> Iterator[IO[bytes]]:
    if compression == ".gz":
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as inner:
            yield cast(IO[bytes], inner)
    elif compression == ".zst":
        import zstandard

        with zstandard.ZstdCompressor().stream_writer(file, closefd=False) as inner:
            yield cast(IO[bytes], inner)
    else:
        yield file


def _write_jsonl(rows: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    for row in rows:
        file.write(dump_json(row).encode() + b"\n")


def _write_json(rows: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    separator = b"[\n"
    for row in rows:
        file.write(separator + dump_json(row).encode())
        separator = b",\n"
    file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _write_csv(rows: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    _write_delimited(rows, file, ",")


def _write_tsv(rows: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    _write_delimited(rows, file, "\t")


def _write_delimited(rows: Iterator[dict[str, Any]], file: IO[bytes], delimiter: str) -> None:
    listed = list(rows)
    columns = list(dict.fromkeys(name for row in listed for name in row))
    text = io.TextIOWrapper(cast(io.BufferedWriter, file), encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow([escape(name) for name in columns])
    writer.writerows([_cell(name, row.get(name)) for name in columns] for row in listed)
    text.flush()
    text.detach()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict) and name in TURN_TEXT_COLUMNS:
        raise NotCarried(f"lists of messages in the column {name}")
    return escape(as_text(value))


TURN_TEXT_COLUMNS = ("prompt", "completion", "chosen", "rejected", "input", "preferred_output", "non_preferred_output")
"""Columns where JSON text would be read as the text that it is."""


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _write_parquet(rows: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    listed = list(rows)
    columns = list(dict.fromkeys(name for row in listed for name in row))
    table = pa.table({name: _column(name, [row.get(name) for row in listed]) for name in columns})
    pq.write_table(table, file, compression="zstd")


def _column(name: str, values: list[Any]) -> pa.Array:
    """Typed where all the values share a type; tools and other free-form objects are JSON text."""
    import pyarrow as pa

    free_form = name == "tools" or (name not in (*JSON_TEXT_COLUMNS, *TURN_TEXT_COLUMNS) and _is_nested(values))
    if not free_form:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            if name in TURN_TEXT_COLUMNS:
                raise NotCarried(f"text and lists in one column ({name})") from None
    return pa.array([None if value is None else as_text(value) for value in values], pa.string())


def _is_nested(values: list[Any]) -> bool:
    return any(isinstance(value, list | dict) for value in values)
