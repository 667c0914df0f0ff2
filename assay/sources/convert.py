"""What people have in memory, as a Dataset: data frames, `datasets.Dataset`, lists of rows, paths."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from assay.containers.json_values import Fault, check
from assay.containers.raw import RawRow
from assay.dataset import Dataset, dump_json
from assay.errors import SourceError
from assay.records import Json, arrow_schema, message_from_json, record_id
from assay.sources import DETECT, ReadSettings, read
from assay.sources.row_reader import Layout, RowReader

if TYPE_CHECKING:
    import datasets
    import pandas as pd
    import pyarrow as pa

Data: TypeAlias = "Dataset | pd.DataFrame | datasets.Dataset | pa.Table | Sequence[Mapping[str, Any]] | str | Path"


def as_dataset(data: Data, settings: ReadSettings = DETECT) -> Dataset:
    """The data as a Dataset; columns and formats are as in a file. Raises SourceError and SettingsError.

    A frame with the columns that `Dataset.to_pandas` gives is taken back as it is: row ids, families and splits
    stay, record ids are computed anew, since messages may have been edited.
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | Path):
        return read([str(data)], settings)
    names = _column_names(data)
    if set(arrow_schema().names) <= set(names):
        return _own(_rows(data))
    layout = Layout.of(settings.format, settings.columns, preference=settings.preference, system=settings.system)
    raws = [_checked(raw) for raw in _rows(data)][: settings.limit]
    if not raws:
        raise SourceError("holds no rows", where=_name(data))
    reader = RowReader()
    reader.read(raws, _name(data), _digest(raws), layout)
    return reader.finish()


def _name(data: Any) -> str:
    return type(data).__name__


def _column_names(data: Any) -> Iterable[str]:
    columns = getattr(data, "column_names", None)
    if columns is None:
        columns = getattr(data, "columns", None)
    if isinstance(columns, Mapping):
        raise SourceError(
            f"is a {_name(data)} with several splits", where=_name(data), fix="hand over one of them: data['train']"
        )
    if columns is not None:
        return [str(column) for column in columns]
    if not isinstance(data, Sequence):
        raise SourceError(
            f"cannot read a {_name(data)}", fix="hand over a path, a data frame, a datasets.Dataset or a list of dicts"
        )
    return data[0] if data and isinstance(data[0], Mapping) else ()


def _rows(data: Any) -> Iterator[RawRow]:
    if hasattr(data, "with_format"):
        from assay.sources.hub import dataset_rows

        return dataset_rows(data)
    if hasattr(data, "to_batches"):
        from assay.containers.arrow_files import batch_rows

        return batch_rows(iter(data.to_batches()), data.schema)
    values = data.to_dict("records") if hasattr(data, "to_dict") else data
    return (RawRow(_plain(value), None, row) for row, value in enumerate(values))


def _plain(value: Any) -> Json:
    """JSON values for those of pandas and numpy; a missing cell is None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if hasattr(value, "isoformat"):
        text = str(value.isoformat())
        return None if text == "NaT" else text
    if isinstance(value, str | int | float | bool) or value is None:
        return None if isinstance(value, float) and value != value else value
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def _checked(raw: RawRow) -> RawRow:
    if raw.fault is not None:
        return raw
    try:
        return raw._replace(value=check(raw.value))
    except Fault as fault:
        return raw._replace(value=None, fault=str(fault))


def _digest(raws: Sequence[RawRow]) -> str:
    digest = hashlib.sha256()
    for raw in raws:
        digest.update(dump_json(raw.value).encode() + b"\n")
    return digest.hexdigest()


def _own(rows: Iterator[RawRow]) -> Dataset:
    """Rows in the schema of a Dataset, messages, tools and meta as Python values or as JSON text."""
    import json

    import pyarrow as pa

    out = []
    for raw in rows:
        row = {name: raw.value[name] for name in arrow_schema().names}
        for name in ("messages", "tools", "meta"):
            if isinstance(row[name], str):
                row[name] = json.loads(row[name])
        messages = [message_from_json(message) for message in row["messages"]]
        row["record_id"] = record_id(messages, row["tools"])
        for name in ("messages", "tools", "meta"):
            row[name] = dump_json(row[name])
        row["source_line"] = None if row["source_line"] is None else int(row["source_line"])
        out.append(row)
    return Dataset(pa.Table.from_pylist(out, arrow_schema()))
