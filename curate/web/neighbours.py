"""The rows before and after a record in the list that it was opened from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError

from .columns import columns_of
from .listing import FIRST_SECONDS, PAGE_ROWS, List
from .query import Query

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

AHEAD = 2 * PAGE_ROWS
"""Hits that a search goes on for, beyond the record."""


@dataclass(frozen=True)
class Around:
    """Row ids, "" at either end; number counts from 1, 0 for a record that the list does not hold.

    exact  whether all of the list are counted
    """

    before: str
    after: str
    number: int
    size: int
    exact: bool = True


def around(folder: Path, row_id: str, query: Query, cache: Path) -> Around | None:
    """None where the folder has no list, or the record is in none of it."""
    try:
        columns = columns_of(folder)
        at = columns.position(row_id)
        if at < 0:
            return None
        rows = List(columns, query, cache)
        found = rows.matches(AHEAD, FIRST_SECONDS)
        place = _place(found.positions, at)
        if place < 0 and not found.exact:
            found = rows.matches(found.total + AHEAD, FIRST_SECONDS)
            place = _place(found.positions, at)
        elif not found.exact and place + 1 >= len(found.positions):
            found = rows.matches(place + AHEAD, FIRST_SECONDS)
    except AssayError:
        return None
    if place < 0:
        return Around("", "", 0, found.total, found.exact)
    ids = columns.row_ids()
    before = str(ids[int(found.positions[place - 1])]) if place > 0 else ""
    after = str(ids[int(found.positions[place + 1])]) if place + 1 < len(found.positions) else ""
    return Around(before, after, place + 1, found.total, found.exact)


def _place(positions: npt.NDArray[np.int64] | Sequence[int] | range, wanted: int) -> int:
    """Where the position stands in a list, which may be in any order; -1 where it does not."""
    import numpy as np

    if isinstance(positions, range):
        return wanted - positions.start if wanted in positions else -1
    at = np.flatnonzero(np.asarray(positions, np.int64) == wanted)
    return int(at[0]) if len(at) else -1
