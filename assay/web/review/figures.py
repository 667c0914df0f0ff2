"""How far the review is, how often what was read is wrong, and how far two people agree."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from assay.config import Document, read_document
from assay.errors import AssayError
from assay.reviews.acceptance import acceptance_of
from assay.reviews.agreement import Both, agreements, read_by_two
from assay.reviews.interval import clopper_pearson
from assay.reviews.queue import KINDS, READ, Progress, progress, second_keys
from assay.reviews.review import READING, Subject, Verdict
from assay.reviews.rule import required_acceptance
from assay.reviews.waiting import Waiting, waiting_of

from ..rendering import page, redacted
from .desk import Desk, desk_of, with_session
from .view import Holds, holds_of, tabs_of

SHOWN_APART = 200


class Row(NamedTuple):
    name: str
    href: str
    progress: Progress
    left: Waiting


class Apart(NamedTuple):
    """A record on which two people disagree, and what holds of it now."""

    name: str
    record_id: str
    first: str
    second: str
    note: str
    holds: Holds | None


def stands(request: Request) -> Response:
    """Progress by kind, the error rate, and agreement."""
    desk = desk_of(request)
    if redacted(request):
        from .textless import without_texts

        return without_texts(request, desk)
    both = read_by_two(desk.reviews, (key.record_id for key in desk.queue.keys))
    waiting = second_keys(desk.queue.keys, desk.states, desk.standing, desk.author.who)
    values: dict[str, Any] = {
        "desk": desk,
        "who": desk.author.who,
        "tabs": tabs_of(desk),
        "rows": rows_of(desk),
        "rate": rate_sentence(desk),
        "pairs": agreements(both),
        "apart": _apart(desk, [one for one in both if one.first_good != one.second_good]),
        "second": len(waiting),
    }
    return with_session(request, page(request, "web/review_progress.html", title="Progress and agreement", **values))


def rows_of(desk: Desk) -> list[Row]:
    """By kind."""
    rows = []
    for kind, words in KINDS.items():
        keys = [key for key in desk.queue.keys if key.kind == kind]
        if keys:
            rows.append(
                Row(words, desk.with_kind(kind).address(), progress(keys, desk.states), waiting_of(keys, desk.states))
            )
    return rows


def _apart(desk: Desk, both: list[Both]) -> list[Apart]:
    names = {key.record_id: key for key in reversed(desk.queue.keys)}
    words = {True: "good as it is", False: "not good as it is"}
    return [
        Apart(
            names[one.record_id].name,
            one.record_id,
            f"{one.first or 'somebody'}: {words[one.first_good]}",
            f"{one.second or 'somebody'}: {words[one.second_good]}",
            one.note,
            holds_of(desk.standing.about(one.record_id).values()),
        )
        for one in both[:SHOWN_APART]
    ]


def rate_sentence(desk: Desk) -> str:
    """How much of what no check flagged, or of a generated set, is wrong; "" where nothing was drawn to be read."""
    if desk.opened.placed is not None:
        return acceptance_of(desk.opened.placed, desk.reviews).sentence(_required(desk))
    drawn = [key.record_id for key in desk.queue.keys if key.kind == READ]
    if not drawn:
        return ""
    said = Counter(
        review.verdict
        for record in drawn
        if (review := desk.standing.about(record).get(Subject(record, READING))) is not None
    )
    wrong, read = said[Verdict.WRONG], said[Verdict.WRONG] + said[Verdict.RIGHT]
    if not read:
        return f"Nobody has read any of the {len(drawn):,} records that were drawn from those that no check flagged."
    low, high = clopper_pearson(wrong, read)
    return (
        f"Of what no check flagged {wrong / read:.1%} is wrong (95 % interval {low:.1%} to {high:.1%}; {wrong:,} of "
        f"{read:,} read, {len(drawn) - read:,} of those that were drawn are left)."
    )


def _required(desk: Desk) -> float | None:
    """`synth.require_acceptance` of the project's settings file; a file with a fault says nothing here."""
    path = desk.site.project / "assay.yaml"
    try:
        return required_acceptance(read_document(path) if path.is_file() else Document({}, "no file"))
    except AssayError:
        return required_acceptance(Document({}, "no file"))
