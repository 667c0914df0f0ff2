"""The decisions that a command is given: the journal, and sheets that were filled in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import SourceError
from assay.reviews.journal import append, read_reviews, usual_journal
from assay.reviews.review import Review, latest
from assay.reviews.who import now, user

from .sheet import read_sheet


@dataclass(frozen=True)
class Given:
    """reviews: all decisions, in order. notes: what was read from where, one line each."""

    reviews: tuple[Review, ...] = ()
    notes: tuple[str, ...] = ()


def given_reviews(files: Sequence[str], root: Path) -> Given:
    """Decisions of the journal, those of the sheets added to it first.

    files  a journal (.jsonl) in place of the usual one, and sheets (.csv); may be empty
    root   where the settings are: the usual journal is reviews.jsonl there, or in the run store, if it is there
    Raises SourceError for a file that cannot be read, and for a line that is no decision.
    """
    journals = [Path(name) for name in files if Path(name).suffix == ".jsonl"]
    sheets = [Path(name) for name in files if Path(name).suffix in (".csv", ".tsv")]
    others = [name for name in files if Path(name).suffix not in (".jsonl", ".csv", ".tsv")]
    if others or len(journals) > 1:
        name = others[0] if others else str(journals[1])
        raise SourceError("is no file of decisions", where=name, fix="name one .jsonl file, and .csv sheets")
    for path in (*journals, *sheets):
        if not path.is_file() and (path in sheets or not sheets):
            raise SourceError("there is no such file of decisions", where=str(path))
    journal = journals[0] if journals else usual_journal(root)
    notes = [_import(sheet, journal) for sheet in sheets]
    if not journal.is_file():
        return Given((), tuple(notes))
    reviews = read_reviews(journal)
    return Given(reviews, (*notes, f"{journal}: {_decisions(len(latest(reviews)))} of people"))


def digest_of_reviews(reviews: Sequence[Review]) -> str:
    """Equal for the same decisions in the same order."""
    lines = "\n".join(json.dumps(review.to_json(), sort_keys=True) for review in reviews)
    return hashlib.sha256(lines.encode()).hexdigest()


def _import(sheet: Path, journal: Path) -> str:
    """Adds what is new in a sheet: reading it again adds nothing."""
    filled = read_sheet(sheet, who=user(), when=now())
    held = latest(read_reviews(journal)) if journal.is_file() else {}
    new = [review for review in filled if not _same(review, held.get(review.subject))]
    append(journal, new)
    return f"{sheet}: {_decisions(len(filled))}, {len(new):,} of them new, kept in {journal}"


def _decisions(count: int) -> str:
    return f"{count:,} decision" + ("" if count == 1 else "s")


def _same(review: Review, other: Review | None) -> bool:
    return other is not None and (review.verdict, review.answer, review.note) == (
        other.verdict,
        other.answer,
        other.note,
    )
