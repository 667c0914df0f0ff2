"""A page of the list: which rows a query means, and what is shown of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.records import Record
from assay.text import conversation_text

from ..pages.concealment import conceal_record
from .columns import Columns, version_of
from .lengths import lengths_of
from .looked import looked_of
from .meanings import MOST_COMPARED, meanings_of, missing
from .query import USABLE, Query
from .reading import conversations, records
from .remembered import Remembered
from .searching import Scan, marks_of

Positions: TypeAlias = npt.NDArray[np.int64]

PAGE_ROWS = 50
FIRST_SECONDS, LATER_SECONDS = 0.2, 1.0
"""So long a page waits for texts that have to be read: when first asked, and each time that it is asked again."""

COUNTED = 1_000
"""Hits that are looked for beyond those that are wanted, where time is left, so that a number can be said."""

SHOWN_CHARACTERS = 220
"""Of a question or an answer."""


@dataclass(frozen=True)
class Matches:
    """positions  in the order of the list: all of them, or those found so far
    total      how many there are, or at least
    exact      whether all are counted
    looked, of rows that texts were read of, and rows to read; done when they are the same
    doing      what is not done yet, or ""
    scores     cosine of each position, where the list is by meaning
    notes      lines that say what does not count, or what the list leaves out
    """

    positions: Positions | Sequence[int] | range
    total: int
    exact: bool = True
    looked: int = 0
    of: int = 0
    doing: str = ""
    scores: Sequence[float] = ()
    notes: tuple[str, ...] = ()


class Piece(NamedTuple):
    text: str
    mark: str = ""


@dataclass(frozen=True)
class Said:
    """What is told of a row by checks: name and severity."""

    check: str
    severity: str


@dataclass(frozen=True)
class Line:
    """A row of the list. position counts from 0; question and answer are cut around the first hit."""

    position: int
    row_id: str
    place: str
    fate: str
    record_id: str = ""
    origin: str = ""
    split: str = ""
    characters: int = 0
    turns: int = 0
    question: tuple[Piece, ...] = ()
    answer: tuple[Piece, ...] = ()
    said: tuple[Said, ...] = ()
    score: float | None = None
    missing: str = ""


_SCANS: Remembered[Scan] = Remembered(32)


@dataclass
class List:
    """The rows of one folder that a query means; cache: a folder of the store."""

    columns: Columns
    query: Query
    cache: Path
    notes: list[str] = field(default_factory=list)

    def matches(self, wanted: int, seconds: float) -> Matches:
        """At least so many where there are so many and the time allows it. Raises SourceError."""
        left = self._filtered()
        if self.query.by_length:
            lengths = lengths_of(self.columns, self.cache)
            lengths.extend(seconds)
            if not lengths.walk.ended:
                return self._unfinished("lengths are measured", lengths.walk.looked, lengths.walk.total)
            left = self._of_length(left, lengths.characters)
        if self.query.by_meaning:
            return self._alike(left, seconds)
        if self.query.scanned:
            return self._scanned(left, wanted, seconds)
        found: Positions | range = range(len(self.columns)) if left is None else left
        return Matches(self._ordered(found), len(found), notes=tuple(self.notes))

    def _unfinished(self, doing: str, looked: int, of: int) -> Matches:
        return Matches((), 0, False, looked, of, doing, notes=tuple(self.notes))

    def _filtered(self) -> Positions | None:
        """By what is in memory; None for all rows."""
        query, columns = self.query, self.columns
        mask = None
        for name, coded in (("fate", "fates"), ("source", "sources"), ("origin", "origins"), ("split", "splits")):
            value = getattr(query, name)
            if value:
                own = columns.usable if name == "fate" and value == USABLE else getattr(columns, coded).where(value)
                mask = own if mask is None else mask & own
        if query.by_overview:
            own = self._counted()
            mask = own if mask is None else mask & own
        if query.check or query.severity:
            found = columns.found
            said = np.ones(len(found.positions), np.bool_)
            if query.check:
                said &= found.checks.where(query.check)
            if query.severity:
                said &= found.severities.where(query.severity)
            rows = np.unique(found.positions[said])
            return rows if mask is None else rows[mask[rows]]
        return None if mask is None else np.flatnonzero(mask)

    def _counted(self) -> npt.NDArray[np.bool_]:
        """Rows by what the overview counted them as."""
        mask = np.zeros(len(self.columns), np.bool_)
        looked = looked_of(self.columns)
        if looked is None:
            self.notes.append("what the overview counted each record as was not written: curate again to list by it")
            return mask
        mask[looked.rows(self.query)] = True
        usable = int(self.columns.usable.sum())
        known = looked.known(self.query)
        if known < usable:
            self.notes.append(f"this is known of {known:,} of {usable:,} usable records, evenly drawn")
        return mask

    def _of_length(self, left: Positions | None, characters: npt.NDArray[np.int32]) -> Positions:
        rows = np.arange(len(self.columns)) if left is None else left
        least, most = self.query.range()
        if self.query.min or self.query.max:
            own = characters[rows]
            rows = rows[(own >= least) & (own <= (most if most is not None else own.max(initial=0)))]
        return rows

    def _ordered(self, rows: Positions | range) -> Positions | range:
        if not self.query.order:
            return rows
        own = np.asarray(rows, np.int64)
        lengths = lengths_of(self.columns, self.cache).characters[own].astype(np.int64)
        return own[np.argsort(-lengths if self.query.order == "longest" else lengths, kind="stable")]

    def _scanned(self, left: Positions | None, wanted: int, seconds: float) -> Matches:
        key = (self.columns.folder, version_of(self.columns.folder), self.query.address(order=""))
        scan = _SCANS.get(key, lambda: Scan(self.columns, left, self.query))
        ordered = bool(self.query.order)
        began = time.monotonic()
        scan.extend(len(self.columns) if ordered else wanted, seconds)
        scan.extend(wanted + COUNTED, FIRST_SECONDS - (time.monotonic() - began))
        walk = scan.walk
        if ordered and not walk.ended:
            return self._unfinished("texts are searched; longest and shortest come at the end", walk.looked, walk.total)
        hits = list(scan.hits)
        rows = self._ordered(np.array(hits, np.int64)) if ordered else hits
        doing = "texts are searched" if not walk.ended and len(hits) < wanted else ""
        return Matches(rows, len(hits), walk.ended, walk.looked, walk.total, doing, notes=tuple(self.notes))

    def _alike(self, left: Positions | None, seconds: float) -> Matches:
        lacking = missing()
        if lacking:
            self.notes.append(f"nothing can be compared by meaning: {lacking}")
            return Matches((), 0, notes=tuple(self.notes))
        rows = np.arange(len(self.columns)) if left is None else left
        if self.query.scanned:
            self.notes.append("turns and columns do not narrow a list by meaning")
        if len(rows) > MOST_COMPARED:
            self.notes.append(
                f"of {len(rows):,} rows the first {MOST_COMPARED:,} are compared: filter by check, fate, source, "
                "origin or split to have others compared"
            )
            rows = rows[:MOST_COMPARED]
        meanings = meanings_of(self.columns, self.cache)
        wanted = meanings.of_text(self.query.q)
        if self.query.like:
            like = self.columns.position(self.query.like)
            record = records(self.columns, [like]).get(like) if like >= 0 else None
            if record is None:
                self.notes.append(f"there is no text of a row {self.query.like!r:.40}")
                return Matches((), 0, notes=tuple(self.notes))
            wanted = meanings.of_record(record.messages)
        meanings.encode(rows, seconds)
        found, scores = meanings.nearest(wanted, rows)
        done = int(meanings.done[rows].sum())
        doing = "rows are compared by meaning; nearer ones may come" if done < len(rows) else ""
        total = len(found)
        return Matches(
            found, total, not doing, done, len(rows), doing, tuple(map(float, scores)), notes=tuple(self.notes)
        )


def lines(
    columns: Columns, query: Query, positions: Sequence[int], scores: Sequence[float], *, concealed: bool
) -> list[Line]:
    """What is shown of some rows. concealed: with masks over personal data and secrets. Raises SourceError."""
    found = conversations(columns, positions)
    if concealed:
        found = {position: conceal_record(record) for position, record in found.items()}
    texts = {position: _parts(record) for position, record in found.items()}
    flat = [text for parts in texts.values() for text in parts]
    marks = dict(zip(((place, side) for place in texts for side in (0, 1)), marks_of(flat, query), strict=True))
    ids = columns.row_ids()
    out = []
    for number, position in enumerate(positions):
        record = found.get(position)
        said = columns.found.of(position)
        told = {
            (columns.found.checks.of(row), columns.found.severities.of(row)): None
            for row in range(said.start, said.stop)
        }
        line = Line(
            position,
            str(ids[position].as_py()),
            _short(columns.sources.of(position)),
            columns.fates.of(position),
            said=tuple(Said(*pair) for pair in told),
            score=scores[number] if scores else None,
        )
        if record is None:
            out.append(replace(line, missing=_why(columns, position)))
            continue
        question, answer = (_cut(text, marks[position, side]) for side, text in enumerate(texts[position]))
        out.append(
            replace(
                line,
                place=_short(str(record.source)),
                record_id=record.id,
                origin=record.origin,
                split=record.split,
                characters=len(conversation_text(record.messages)),
                turns=len(record.messages),
                question=question,
                answer=answer,
            )
        )
    return out


def _why(columns: Columns, position: int) -> str:
    """Why there is no text of a row."""
    if columns.rows_of[int(columns.files[position])] < 0:
        return "this run kept no text of what it dropped"
    return "this row could not be read as a record"


def _parts(record: Record) -> tuple[str, str]:
    """What is asked last, or first said; and the last answer."""
    asked = [message.content for message in record.prompt if message.role == "user" and message.content]
    first = asked[-1] if asked else conversation_text(record.prompt)
    last = record.last_assistant_index
    return first, "" if last is None else conversation_text(record.messages[last:])


def _short(place: str) -> str:
    """Of a path the name of the file."""
    return place.rpartition("/")[2] or place


def _cut(text: str, mark: tuple[int, int] | None) -> tuple[Piece, ...]:
    start, end = mark or (0, 0)
    first = max(0, min(start - SHOWN_CHARACTERS // 3, len(text) - SHOWN_CHARACTERS))
    last = first + SHOWN_CHARACTERS
    end = min(end, last)
    before = ("… " if first else "") + text[first:start]
    after = text[end:last] + (" …" if last < len(text) else "")
    return tuple(piece for piece in (Piece(before), Piece(text[start:end], "hit"), Piece(after)) if piece.text)
