"""A part of a data source: what readers get, whether it came from a file, a folder or the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.containers.raw import RawRow
from assay.sources.row_reader import Layout


@dataclass(frozen=True)
class Part:
    """One file, or what stands for one: a name for findings, its rows, and the digest that row ids come from."""

    name: str
    layout: Layout
    rows: Callable[[], Iterator[RawRow]]
    digest: Callable[[], str]
    path: Path | None = None
    limit: int | None = None
