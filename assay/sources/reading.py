"""Reads data sources into a Dataset: which files, which rows, which format, and what could not be read.

Every row of a file becomes a record or a fault, never both, never neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from assay.containers.raw import RawRow, suffixes
from assay.dataset import Dataset
from assay.errors import SourceError
from assay.sources.locations import locate
from assay.sources.parts import Part
from assay.sources.row_reader import Layout, RowReader


@dataclass(frozen=True)
class ReadSettings:
    """How files are read; the defaults detect everything.

    format      name of a format, or "auto"
    columns     assay's name of a column -> the file's, for example {"prompt": "text", "answer": "category"}
    preference  read preference data (DPO, KTO) for its chosen side
    limit       only the first so many rows
    system      a system turn for every record that has none
    """

    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    preference: bool = False
    limit: int | None = None
    system: str | None = None


DETECT = ReadSettings()
"""Everything is detected, everything is read."""


def read(paths: Sequence[str], settings: ReadSettings = DETECT, *, offline: bool = False) -> Dataset:
    """All rows that the paths name, in their order.

    A path is a file, a folder, a glob, a folder that `save_to_disk` wrote, a dataset_info.json (with `:NAME` one
    of its entries), or the id of a data set on the Hugging Face Hub. A row that is no record is in `faults`;
    `notes` say what each file was taken for. Raises SourceError for a source that cannot be read at all, and
    SettingsError for columns that cannot be meant.
    """
    layout = Layout.of(settings.format, settings.columns, preference=settings.preference, system=settings.system)
    reader = RowReader()
    parts = _located(paths, layout, reader, offline)
    digests: Counter[str] = Counter()
    own: dict[str, Dataset] = {}
    left = settings.limit
    for part in parts:
        if left is not None and left <= 0:
            reader.note(f"{part.name}: not read; the first {settings.limit:,} rows are enough")
            continue
        if _written_by_assay(part):
            own[part.name] = _read_own(part, reader, left)
            count = len(own[part.name])
        else:
            limit = min((bound for bound in (left, part.limit) if bound is not None), default=None)
            count = reader.read(_first(part.rows(), limit), part.name, _digest(part, digests), part.layout)
        left = None if left is None else left - count
    return _joined(own, reader.finish())


def _located(paths: Sequence[str], layout: Layout, reader: RowReader, offline: bool) -> list[Part]:
    """Every part once, however often it is named."""
    parts: dict[str, Part] = {}
    if not paths:
        raise SourceError("no data source is given", fix="name a file, a folder or a data set")
    for given in paths:
        located = locate(given, layout, offline=offline)
        for note in located.notes:
            reader.note(note)
        for part in located.parts:
            key = str(part.path.resolve()) if part.path is not None else part.name
            if key in parts:
                reader.note(f"{part.name}: named twice, read once")
            parts.setdefault(key, part)
    return list(parts.values())


def _first(rows: Iterator[RawRow], limit: int | None) -> Iterator[RawRow]:
    return rows if limit is None else islice(rows, limit)


def _digest(part: Part, seen: Counter[str]) -> str:
    """The digest for row ids; a second file with the same bytes gets another, since its rows are other rows."""
    digest = part.digest()
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}:{seen[digest]}"


def _written_by_assay(part: Part) -> bool:
    if part.path is None or suffixes(part.path) != (".parquet", ""):
        return False
    from assay.containers.arrow_files import is_assay_parquet

    return is_assay_parquet(part.path)


def _read_own(part: Part, reader: RowReader, limit: int | None) -> Dataset:
    """A file that assay wrote: row ids, families, splits, origins and parents stay as they are."""
    data = Dataset.read_parquet(Path(str(part.path))).head(limit)
    reader.note(f"{part.name}: {len(data):,} rows, written by assay")
    return data


def _joined(own: Mapping[str, Dataset], others: Dataset) -> Dataset:
    """own: files that assay wrote, whose rows keep their ids. Raises SourceError where a row is in two of the files."""
    import pyarrow as pa

    parts = [*own.values(), others]
    filled = [part for part in parts if len(part)] or [others]
    if own:
        named = [(name, row) for name, part in own.items() for row in part.row_ids()]
        files, rows = (others.table.column(name).to_pylist() for name in ("source_file", "row_id"))
        _check_apart([*named, *zip(files, rows, strict=True)])
    return replace(others, table=pa.concat_tables([part.table for part in filled]))


def _check_apart(rows: Sequence[tuple[str, str]]) -> None:
    """rows: (file, row id). Raises SourceError, which names the two files that have the most rows in common."""
    first: dict[str, str] = {}
    shared: Counter[tuple[str, str]] = Counter()
    for file, row in rows:
        if row in first:
            shared[first[row], file] += 1
        else:
            first[row] = file
    if not shared:
        return
    (whole, part), count = shared.most_common(1)[0]
    sizes = Counter(file for file, _ in rows)
    if whole == part:
        raise SourceError(f"{count:,} of its rows stand there twice", where=part, fix="take one of each out")
    if count == sizes[whole] < sizes[part]:
        whole, part = part, whole
    if count == sizes[part]:
        said, fix = f"{count:,} of its {count:,} rows are in {whole} already", f"leave {part} out"
    else:
        said, fix = f"{count:,} of its {sizes[part]:,} rows are in {whole} too", "name only one of the two"
    raise SourceError(said, where=part, fix=fix)
