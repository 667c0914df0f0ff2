"""The rows before and after a record in the list that it was opened from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from .places import column


@dataclass(frozen=True)
class Around:
    """Row ids, "" at either end; number counts from 1."""

    before: str
    after: str
    number: int
    size: int


def around(request: Request, folder: Path, row_id: str, keep: Sequence[tuple[str, str]]) -> Around | None:
    """By the order of the rows that were read; None for a row that is in no list."""
    rows = column(folder / "ledger.parquet", "row_id")
    at = rows.index(row_id).as_py()
    if at < 0:
        return None
    before = rows[at - 1].as_py() if at > 0 else ""
    after = rows[at + 1].as_py() if at + 1 < len(rows) else ""
    return Around(before, after, at + 1, len(rows))
