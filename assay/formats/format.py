"""What a format is: how a row of somebody's file becomes messages, and messages a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from assay.containers.raw import RawRow
from assay.records import Json, Message, Record

Row: TypeAlias = Mapping[str, Json]
"""One row of a file: column name to value."""


class Unreadable(Exception):  # noqa: N818
    """Why a row is no record; the reader makes a finding of it."""


class NotCarried(Exception):  # noqa: N818
    """What a format has no place for; the writer makes an error of it that names the record."""


class Parsed(NamedTuple):
    """What a row holds. remarks are said once a file, with the number of rows they apply to."""

    messages: tuple[Message, ...]
    tools: tuple[Json, ...] = ()
    meta: Mapping[str, Json] = {}
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """One format of instruction data.

    name     as written in settings
    title    as said in notes
    fits     whether a row is of this format, by its columns and at most the first element of a list
    read     raises Unreadable
    write    the rows of one record (one, but for tables with a message a row); raises NotCarried
    columns  assay's name of a column -> this format's own; what `columns:` in settings can map
    split    where a row holds several records: one row for each
    gather   where a record takes several rows: one row for each record, at the place of its first
    on_request  read only when the user names the format or asks for preference data
    """

    name: str
    title: str
    fits: Callable[[Row], bool]
    read: Callable[[Row], Parsed]
    write: Callable[[Record], list[dict[str, Any]]]
    columns: Mapping[str, str] = field(default_factory=dict)
    split: Callable[[Row], list[Row]] | None = None
    gather: Callable[[Sequence[RawRow]], Iterator[RawRow]] | None = None
    on_request: bool = False


def rest(row: Row, *used: str) -> dict[str, Json]:
    """The columns that a reader did not use: the record's meta."""
    return {key: value for key, value in row.items() if key not in used}


def with_meta(row: dict[str, Any], record: Record, *, consumed: tuple[str, ...] = ()) -> dict[str, Any]:
    """`row` with the record's meta written back; a column of the format itself is never overwritten."""
    for key, value in record.meta.items():
        if key not in consumed:
            row[f"meta_{key}" if key in row else key] = value
    return row
