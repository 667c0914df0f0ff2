"""The queue for whoever may not read the records: what was found and decided, in counts, lengths and hashes.

Nothing of it is a text: neither of a record, nor an edit, nor what a person typed as a note or as a name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from assay.records import Record
from assay.reviews.agreement import agreements, read_by_two
from assay.reviews.queue import ANY, KINDS, Key
from assay.reviews.queue import Side as Found
from assay.reviews.reasons import REASONS
from assay.reviews.review import UNDECIDED, Review
from assay.reviews.sample import lineage_of
from assay.reviews.steps import held_of
from assay.reviews.waiting import cases_of

from ..rendering import page
from .desk import Desk
from .rates import rate_sentence, rows_of
from .view import strongest, tab_name, tabs_of

MOST_CASES = 300
"""Cases that are listed; the counts are of all."""

OWN_WORDS, NO_REASON = "own words", "no reason"
WHAT = frozenset({"number", "date", "polarity", "label", "entity", "refusal", "format", "free"})
"""Kinds of contradictions, as the evidence names them."""

SLICES = frozenset({"human", "synthetic", "train", "validation", "test"})
"""Origins and splits."""


class Line(NamedTuple):
    """A record of a case. lengths in characters. slice: human or synthetic, its split, or its stratum."""

    record_id: str
    place: str
    turns: int
    asked: int
    answered: int
    slice: str
    fate: str
    decision: str
    reader: str
    when: str
    reason: str


class Case(NamedTuple):
    number: int
    kind: str
    found: str
    lines: list[Line]


class Said(NamedTuple):
    """How many records one decision was made about, for one reason."""

    decision: str
    reason: str
    records: int


def without_texts(request: Request, desk: Desk) -> Response:
    """Of the kind that is asked for; the row is not, since what matters of one is on the page of all."""
    readers = _readers(desk.reviews)
    both = read_by_two(desk.reviews, (key.record_id for key in desk.queue.keys))
    pairs = [pair._replace(first=readers[pair.first], second=readers[pair.second]) for pair in agreements(both)]
    cases = _first_of_each(desk.keys)
    values: dict[str, Any] = {
        "desk": desk,
        "tab": tab_name(desk.asked.kind),
        "tabs": tabs_of(desk),
        "rows": rows_of(desk),
        "rate": rate_sentence(desk),
        "pairs": pairs,
        "said": list(_said(desk)),
        "all": cases_of(desk.keys),
        "cases": list(_cases(desk, cases[:MOST_CASES], readers)),
        "more": max(0, len(cases) - MOST_CASES),
    }
    return page(request, "web/review_textless.html", title=f"Review of {desk.run}, without texts", **values)


def _readers(reviews: Iterable[Review]) -> dict[str, str]:
    """{name: reader 1, reader 2 ...}: a name is typed by a person."""
    return {name: f"reader {at}" for at, name in enumerate(dict.fromkeys(review.who for review in reviews), 1)}


def _first_of_each(keys: Sequence[Key]) -> list[Key]:
    firsts: dict[str, Key] = {}
    for key in keys:
        firsts.setdefault(key.case, key)
    return list(firsts.values())


def reason_named(note: str) -> str:
    """The reason of the fixed list that a note begins with; else only whether there is one.

    >>> reason_named("out of date: see page 7"), reason_named("ask Ottilie"), reason_named("")
    ('out of date, and own words', 'own words', 'no reason')
    """
    named, parted, _ = note.partition(": ")
    if named in REASONS:
        return f"{named}, and {OWN_WORDS}" if parted else named
    return OWN_WORDS if note else NO_REASON


def _said(desk: Desk) -> Iterator[Said]:
    counted: Counter[tuple[str, str]] = Counter()
    for record_id in dict.fromkeys(key.record_id for key in desk.keys):
        review = strongest(desk.standing.about(record_id).values())
        if review is not None and review.verdict not in UNDECIDED:
            counted[str(review.verdict), reason_named(review.note)] += 1
    for (decision, reason), records in counted.most_common():
        yield Said(decision, reason, records)


def _cases(desk: Desk, keys: Sequence[Key], readers: dict[str, str]) -> Iterator[Case]:
    for number, key in enumerate(keys, 1):
        sides = desk.queue.sides(key)
        checks = dict.fromkeys(check for side in sides for check in side.key.checks)
        what = [word for word in desk.queue.evidence_kinds(key) if word in WHAT]
        found = ", ".join([check.replace("_", " ") for check in checks] + what)
        yield Case(number, KINDS.get(key.kind, key.kind), found, [_line(desk, side, readers) for side in sides])


def _line(desk: Desk, side: Found, readers: dict[str, str]) -> Line:
    record = side.item.record
    review = strongest(held_of(desk.standing, desk.about(side.key)))
    last = record.messages[-1] if record.messages else None
    answered = len(last.content or "") if last is not None and last.role == "assistant" else 0
    characters = sum(len(message.content or "") for message in record.messages)
    settled = review is None and side.key.kind != ANY and side.key.name in desk.states.decided
    return Line(
        side.key.record_id,
        _place(record),
        len(record.messages),
        characters - answered,
        answered,
        _slice(record),
        desk.queue.fate(side.key),
        str(review.verdict) if review is not None else "settled" if settled else "",
        readers[review.who] if review is not None else "",
        review.when if review is not None else "",
        reason_named(review.note) if review is not None else "",
    )


def _place(record: Record) -> str:
    """File and line, without the folders before the file."""
    source = record.source
    line = source.line if source.line is not None else source.row
    return f"{PurePath(source.file.replace(chr(92), '/')).name}:{line}"


def _slice(record: Record) -> str:
    """Only words that assay itself writes: what a file says of its records may be anything."""
    method = str(lineage_of(record).get("method") or "")
    known = [word for word in (record.origin, record.split) if word in SLICES]
    return ", ".join([*known, method] if re.fullmatch("[a-z_]{1,30}", method) else known)
