"""Columns of the user's data that say how a suite should be set aside: what belongs together, and when it was.

A group column (a customer, a document) ties records whose likeness no text shows; a time column lets the suite hold
the newest records, as the model will meet newer ones than it was trained on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from assay.errors import SettingsError, did_you_mean
from assay.records import Json, Record

GROUP_WORDS = {
    "account", "article", "author", "book", "case", "chat", "client", "company", "conversation", "customer", "dialog",
    "dialogue", "doc", "document", "file", "filename", "group", "household", "page", "paper", "patient", "project",
    "repo", "repository", "session", "speaker", "student", "subject", "thread", "ticket", "title", "url", "user",
}  # fmt: skip
TIME_WORDS = {"created", "date", "datetime", "day", "month", "time", "timestamp", "ts", "updated", "year"}

TIME_FORMATS = (
    "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y",
    "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%b %d, %Y", "%d %b %Y", "%Y-%m",
)  # fmt: skip
"""Tried after ISO 8601 and RFC 5322; the first that reads the whole column."""

FEWEST_GROUPS = 20
FEWEST_TIMES = 10
MOST_IN_A_GROUP = 0.1
COVERAGE = 0.9
"""Share of the records in which a column that is found by itself has a value."""


@dataclass(frozen=True)
class Columns:
    """group  values that are equal tie records together
    time     the records it dates are set aside newest first
    times    {row id: when}, of the records that have it
    format   how the times were read, where that was not ISO 8601
    """

    group: str | None = None
    time: str | None = None
    times: Mapping[str, datetime] = field(default_factory=dict)
    format: str | None = None


def find_columns(records: Sequence[Record], by: str | None = None) -> Columns:
    """by names the one column to use; without it, the first plausible of each kind. Raises SettingsError."""
    names = list(dict.fromkeys(name for record in records for name in record.meta))
    if by is not None:
        if by not in names:
            raise SettingsError(f"--by: no record has a column '{by}'", fix=did_you_mean(by, names))
        times, how = _times(records, by, coverage=0.0)
        if times:
            return Columns(time=by, times=times, format=how)
        return Columns(group=by)
    group = next((name for name in names if _is_group(records, name)), None)
    for name in names:
        if name != group and _words(name) & TIME_WORDS:
            times, how = _times(records, name, COVERAGE)
            if len(set(times.values())) >= FEWEST_TIMES:
                return Columns(group, name, times, how)
    return Columns(group)


def _words(name: str) -> set[str]:
    """createdAt, created_at and "Created at" alike."""
    return {word.casefold() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+", name)}


def _is_group(records: Sequence[Record], name: str) -> bool:
    """Named as one, with many values of which none takes a large part and some occur again."""
    if not _words(name) & GROUP_WORDS or _words(name) & TIME_WORDS:
        return False
    values = [record.meta.get(name) for record in records]
    present = Counter(value for value in values if isinstance(value, str | int) and value != "")
    count = sum(present.values())
    return (
        count >= COVERAGE * len(records)
        and FEWEST_GROUPS <= len(present) < count
        and max(present.values()) <= MOST_IN_A_GROUP * len(records)
    )


def _times(records: Sequence[Record], name: str, coverage: float) -> tuple[dict[str, datetime], str | None]:
    """({row id: when}, format) when every value of the column is a time, else ({}, None)."""
    values = {record.row_id: record.meta[name] for record in records if record.meta.get(name) not in (None, "")}
    if not values or len(values) < coverage * len(records):
        return {}, None
    for parse, how in _readers(name):
        parsed: dict[str, datetime] = {}
        for row_id, value in values.items():
            moment = _attempt(parse, value)
            if moment is None:
                break
            parsed[row_id] = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        else:
            return parsed, how
    return {}, None


def _readers(name: str) -> list[tuple[Callable[[Json], datetime], str | None]]:
    readers: list[tuple[Callable[[Json], datetime], str | None]] = [(datetime.fromisoformat, None)]
    if _words(name) & TIME_WORDS:
        readers += [(_year, None), (_epoch, "seconds or milliseconds since 1970")]
    readers.append((parsedate_to_datetime, None))
    readers += [(_strptime(text), text) for text in TIME_FORMATS]
    return readers


def _strptime(text: str) -> Callable[[Json], datetime]:
    return lambda value: datetime.strptime(value.strip(), text)


def _year(value: Json) -> datetime:
    number = int(value)
    if not 1900 <= number <= 2100:
        raise ValueError(value)
    return datetime(number, 1, 1, tzinfo=UTC)


def _epoch(value: Json) -> datetime:
    number = float(value)
    if not 1e8 <= number < 1e13:
        raise ValueError(value)
    return datetime.fromtimestamp(number / 1000 if number >= 1e11 else number, UTC)


def _attempt(parse: Callable[[Json], datetime], value: Json) -> datetime | None:
    if isinstance(value, bool):
        return None
    try:
        return parse(value)
    except (ValueError, TypeError, AttributeError, OverflowError, OSError, IndexError):
        return None
