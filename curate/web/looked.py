"""Rows by what the overview counted them as: label or topic, language, structure, style, and length.

Known of the usable records that the overview looked at, which of much data are an even sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.errors import SourceError

from ..overview.looked import FILE
from .columns import Coded, Columns, coded, version_of
from .query import LENGTHS, Query
from .remembered import Remembered

Positions: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

UNITS = ("tokens", "words")


@dataclass(frozen=True)
class Looked:
    """positions  of the rows that were looked at, in order; shape [records]
    named      {name: value of each}; styles are `style_FEATURE`
    lengths    {prompt, answer: length of each}, -1 where it was not measured
    unit       of the lengths
    """

    positions: Positions
    named: Mapping[str, Coded]
    lengths: Mapping[str, npt.NDArray[np.int32]]
    unit: str

    def rows(self, query: Query) -> Positions:
        """Those that the query means."""
        kept = np.ones(len(self.positions), np.bool_)
        for mask in self._masks(query):
            kept &= mask
        return self.positions[kept]

    def _masks(self, query: Query) -> Iterator[Mask]:
        asked = [(name, getattr(query, name)) for name in ("label", "topic", "language", "structure")]
        feature, _, value = query.style.partition(":")
        for name, wanted in (*asked, (f"style_{feature}", value)):
            if wanted:
                yield self.named[name].where(wanted) if name in self.named else np.zeros(len(self.positions), np.bool_)
        for name in LENGTHS:
            ends = query.span(name)
            if ends is not None:
                own = self.lengths[name]
                yield (own >= ends[0]) & (own <= ends[1])

    def known(self, query: Query) -> int:
        """Rows of which what the query asks is known."""
        measured = any(getattr(query, name) for name in ("structure", "style", *LENGTHS))
        return int((self.lengths["prompt"] >= 0).sum()) if measured else len(self.positions)


_LOOKED: Remembered[Looked] = Remembered(4)


def looked_of(columns: Columns) -> Looked | None:
    """None where the run is of a version that did not write it. Raises SourceError."""
    path = columns.folder / FILE
    if not path.is_file():
        return None
    return _LOOKED.get((columns.folder, version_of(columns.folder)), lambda: _read(columns))


def _read(columns: Columns) -> Looked:
    path = columns.folder / FILE
    try:
        table = pq.read_table(path, memory_map=True)
        at = pc.index_in(columns.row_ids(), value_set=table.column("row_id").combine_chunks())
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise SourceError(f"cannot be read ({error})", where=str(path), fix="curate again") from error
    positions = np.flatnonzero(pc.is_valid(at).to_numpy())
    table = table.take(at.take(pa.array(positions)))
    unit = next((unit for unit in UNITS if f"prompt_{unit}" in table.column_names), UNITS[-1])
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    named = {name: coded(table, name) for name in texts}
    lengths = {name: _lengths(table, f"{name}_{unit}") for name in LENGTHS}
    return Looked(positions, named, lengths, unit)


def _lengths(table: pa.Table, name: str) -> npt.NDArray[np.int32]:
    if name not in table.column_names:
        return np.full(table.num_rows, -1, np.int32)
    return np.asarray(pc.fill_null(table.column(name), -1), np.int32)
