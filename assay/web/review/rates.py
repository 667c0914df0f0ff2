"""How far the review is by kind, and how often what was read is wrong."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from assay.config import Document, read_document
from assay.errors import AssayError
from assay.reviews.acceptance import acceptance_of
from assay.reviews.interval import clopper_pearson
from assay.reviews.queue import KINDS, READ, Progress, progress
from assay.reviews.review import READING, Subject, Verdict
from assay.reviews.rule import required_acceptance
from assay.reviews.waiting import Waiting, waiting_of

from .desk import Desk


class Row(NamedTuple):
    name: str
    href: str
    progress: Progress
    left: Waiting


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
