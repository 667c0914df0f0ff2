"""Decisions by spreadsheet: a CSV file with an empty column `decision`, filled in by a person and read back.

    assay curate tickets.jsonl -o OUT                          writes OUT/held.csv and OUT/to_read.csv
    assay curate tickets.jsonl -o OUT --reviews OUT/held.csv   reads the decisions, keeps them, applies them

A cell that a spreadsheet would compute is written as text (`assay.containers.formula_cells`). The last column says
what a row is about, in hashes of content: it must stay as it is; rows may be sorted, or taken out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from assay.console import printable
from assay.containers.csv_files import csv_rows
from assay.containers.formula_cells import escape
from assay.errors import SourceError
from assay.findings import Finding
from assay.records import Record
from assay.reviews.review import EDITS, READING, Review, Subject, Verdict, verdict_from_text
from assay.storage import write_atomically
from assay.text import message_text

COLUMNS = ("decision", "note", "found", "prompt", "answer", "source", "record_id", "assay")

CELL_CHARACTERS = 30_000
"""What a spreadsheet's cell holds, about; of a longer answer the beginning is shown, and it cannot be edited here."""

_COMPUTED = re.compile(r"[\d\s.,:/%+\-eE]*|true|false", re.IGNORECASE)
"""Numbers, dates and the like, which spreadsheets write back in another form; whether they changed nobody can say."""

SHEET_ROWS = 10_000
"""As many rows a sheet holds at most."""


@dataclass(frozen=True)
class Entry:
    """A row of the sheet: a record, what was found in it, and what a decision about each finding is about.

    shown  the record with masks over personal data and secrets, where it has some; it cannot be edited then
    """

    record: Record
    findings: tuple[Finding, ...] = ()
    subjects: tuple[Subject, ...] = ()
    shown: Record | None = None


def write_sheet(path: Path, entries: Sequence[Entry]) -> None:
    """UTF-8 with a byte order mark, which spreadsheets need to see that. Raises StorageError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(entry) for entry in entries)
    data = text.getvalue().encode("utf-8-sig", "backslashreplace")
    write_atomically(path, lambda file: _write(file, data))


def _write(file: Any, data: bytes) -> None:
    file.write(data)


def _cells(entry: Entry) -> list[str]:
    record = entry.shown or entry.record
    answer = record.answer
    found = "\n".join(dict.fromkeys(f"{item.check}: {item.message}" for item in entry.findings))
    prompt = "\n".join(f"{message.role}: {message_text(message)}" for message in record.prompt)
    about = [list(subject[1:]) for subject in dict.fromkeys(entry.subjects)]
    cut = len(answer) > CELL_CHARACTERS
    watched = not _COMPUTED.fullmatch(answer.strip())
    digest = "masked" if entry.shown is not None else "cut" if cut else _digest(_storable(answer)) if watched else ""
    own = {"record": entry.record.id, "about": about, "answer": digest}
    shown = [found, prompt, answer]
    return [
        "",
        "",
        *(escape(_storable(text[:CELL_CHARACTERS])) for text in shown),
        escape(printable(_storable(str(record.source)))),
        entry.record.id,
        json.dumps(own),
    ]


def read_sheet(path: Path, who: str, when: str) -> tuple[Review, ...]:
    """The decisions that were filled in, a row without one aside.

    Raises SourceError, with the line, for a word that is no decision, for an answer that was changed without one,
    and for a file that is no such sheet.
    """
    reviews: list[Review] = []
    for raw in csv_rows(path, str(path), ".csv"):
        where = f"{path}:{raw.line}"
        if raw.fault is not None or not isinstance(raw.value, Mapping):
            raise SourceError(raw.fault or "is no row of a sheet", where=where)
        reviews += _reviews(raw.value, where, who, when)
    return tuple(reviews)


def _reviews(row: Mapping[str, str], where: str, who: str, when: str) -> Iterable[Review]:
    missing = [name for name in ("decision", "answer", "assay") if name not in row]
    if missing:
        fix = "the sheets that can be read back are held.csv and to_read.csv of `assay curate -o OUT`"
        raise SourceError(f"has no column '{missing[0]}'", where=where, fix=fix)
    own = _own(row["assay"], where)
    changed = own.answer not in ("", *_PARTIAL, _digest(row["answer"]))
    if not row["decision"].strip():
        if changed:
            fix = "write repair in the column decision, or take the change back"
            raise SourceError("the answer was changed, and no decision says so", where=where, fix=fix)
        return
    verdict = verdict_from_text(row["decision"], where)
    note = row.get("note", "")
    if verdict in EDITS:
        if own.answer in _PARTIAL:
            raise SourceError(_PARTIAL[own.answer], where=where, fix="edit the data itself")
        if own.answer and not changed:
            raise SourceError(f"{verdict}, but the answer is as it was", where=where, fix="change the cell `answer`")
        yield Review(Subject(own.record), verdict, who, when, note, answer=row["answer"])
        if any(subject[0] == READING for subject in own.about):
            yield Review(Subject(own.record, READING), Verdict.WRONG, who, when, note)
        return
    if changed:
        raise SourceError(f"{verdict}, but the answer was changed", where=where, fix="write repair, or change it back")
    for subject in own.about or [("", "", "")]:
        said = (_READ if subject[0] == READING else _JUDGED).get(verdict, verdict)
        yield Review(Subject(own.record, *subject), said, who, when, note, shown=row.get("found") or None)


_PARTIAL = {
    "cut": "the answer is too long to be edited in a sheet",
    "masked": "personal data and secrets of the record are masked in the sheet, so that it cannot be edited there",
}
_READ = {Verdict.KEEP: Verdict.RIGHT, Verdict.DROP: Verdict.WRONG}
_JUDGED = {Verdict.RIGHT: Verdict.KEEP, Verdict.WRONG: Verdict.DROP}


class _Own(NamedTuple):
    """The last column: the record, (check, group, evidence) of each finding, the digest of the answer.

    answer  "" where it is not compared, one of _PARTIAL where it was not written as it is
    """

    record: str
    about: list[tuple[str, str, str]]
    answer: str


def _own(text: str, where: str) -> _Own:
    try:
        own = json.loads(text)
        about = [(str(check), str(group), str(evidence)) for check, group, evidence in own["about"]]
        return _Own(str(own["record"]), about, str(own["answer"]))
    except (ValueError, KeyError, TypeError) as error:
        fix = "leave it as it was written, or take the whole row out"
        raise SourceError("the column 'assay' was changed", where=where, fix=fix) from error


def _digest(text: str) -> str:
    """Of the words: spreadsheets change line ends, and white space at the ends of a cell."""
    return hashlib.sha256("\n".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _storable(text: str) -> str:
    """What a CSV file can hold: no lone surrogates, no NUL."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
