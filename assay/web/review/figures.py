"""The page of progress: how far the review is, how often what was read is wrong, how far two people agree."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from assay.reviews.agreement import Both, agreements, read_by_two
from assay.reviews.queue import second_keys

from ..rendering import page, redacted
from .desk import Desk, desk_of, with_session
from .rates import rate_sentence, rows_of
from .textless import without_texts
from .view import Holds, holds_of, tabs_of

SHOWN_APART = 200


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
