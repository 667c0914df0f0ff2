"""The review queue: what waits for a person, one thing at a time."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.errors import AssayError
from assay.reviews.queue import GENERATED, LABEL, READ, Key, following, progress
from assay.reviews.reasons import REASONS
from assay.reviews.steps import last_step, taken_back
from assay.reviews.waiting import cases_of

from ..app import posting
from ..home import Row, number_of_decisions, stage_runs
from ..rendering import page, redacted, site_of
from ..site import Site
from .bulk import ask, group_of, said_of_group
from .decisions_page import listed, taken
from .desk import Desk, desk_of, with_session
from .figures import stands
from .left import Left, left_in
from .posts import decided, named, undone
from .rates import rate_sentence
from .sides import Screen, screen_of, words_of
from .textless import without_texts
from .view import last_words, neighbours, tab_name, tabs_of, undone_words

RELABELLING = "label"
"""What the address asks for where the edit opens with the suggested label filled in."""


def routes() -> list[Route]:
    return [
        Route("/decisions", listed, methods=["GET"]),
        posting("/decisions/undo", taken),
        Route("/review", runs, methods=["GET"]),
        Route("/review/{run}", item, methods=["GET"]),
        Route("/review/{run}/progress", stands, methods=["GET"]),
        Route("/review/{run}/group", ask, methods=["GET"]),
        posting("/review/{run}/group", said_of_group),
        posting("/review/{run}/decide", decided),
        posting("/review/{run}/undo", undone),
        posting("/review/{run}/name", named),
    ]


def runs(request: Request) -> Response:
    """Every run whose records can be decided on, newest first, with how many wait for it."""
    site = site_of(request)
    opened = [Row(name, "folder", "done", "", None, f"/review/{name}", "") for name in site.folders]
    made = [replace(row, href=f"/review/{row.name}") for row in stage_runs(site, "curate", "synth")]
    rows = [_waits(site, row) for row in (*opened, *made) if row.outcome == "done"]
    return page(request, "web/review_runs.html", title="Review", rows=rows, decisions=number_of_decisions(site))


class Waits(NamedTuple):
    """What is left of a run, by kind. None: the run can be opened no more; `words` says why."""

    row: Row
    left: Left | None
    words: str = ""


def _waits(site: Site, row: Row) -> Waits:
    try:
        return Waits(row, left_in(site, row.name))
    except AssayError as error:
        return Waits(row, None, str(error))


def item(request: Request) -> Response:
    """The item that the address names, or the next that nobody has decided."""
    desk = desk_of(request)
    query = request.query_params
    if redacted(request):
        return without_texts(request, desk)
    key = desk.key(query["row"]) if query.get("row") else _next(desk, query.get("after", ""))
    title = f"Review of {desk.run}" + (f", {tab_name(desk.asked.kind)}" if desk.asked.kind else "")
    undone = undone_words(taken_back(desk.journal, f"{desk.author.session}.{query.get('undone', '')}"))
    if key is None:
        return with_session(request, page(request, "web/review_done.html", title=title, undone=undone, **_frame(desk)))
    screen = screen_of(desk, key, query.get("side", ""))
    values = {**_frame(desk), **_item(screen, whole=query.get("whole") == "1", editing=query.get("edit", ""))}
    values |= {"just": bool(query.get("after")), "undone": undone}
    values["still"] = _still_waits(screen, query.get("after", ""))
    values["beside"] = _settled_before(desk, query.get("after", ""))
    return with_session(request, page(request, "web/review_item.html", title=title, **values))


def _next(desk: Desk, after: str) -> Key | None:
    if not desk.asked.second:
        return following(desk.keys, desk.states, after)
    place = next((at for at, key in enumerate(desk.keys) if key.name == after), -1)
    return desk.keys[place + 1] if place + 1 < len(desk.keys) else next(iter(desk.keys), None)


def _settled_before(desk: Desk, after: str) -> str:
    """Address of the screen that was left, where a side of it is settled and was not decided on; else ""."""
    left = desk.queue.key(after) if after and not desk.asked.second else None
    if left is None:
        return ""
    screen = screen_of(desk, left)
    return desk.address(row=after, side=screen.settled[0].name) if screen.settled else ""


def _still_waits(screen: Screen, after: str) -> str:
    """That the keys are about another side of the screen on which something was just decided; else ""."""
    names = [key.name for key in screen.keys]
    if after not in names or after == screen.chosen.name or screen.chosen not in screen.open:
        return ""
    which = "The other side" if len(names) == 2 else "Another side"
    return f"{which} still waits: the keys are about side {screen.place + 1} now."


def _frame(desk: Desk) -> dict[str, Any]:
    """What stands around an item."""
    return {
        "desk": desk,
        "who": desk.author.who,
        "tabs": tabs_of(desk),
        "tab": tab_name(desk.asked.kind),
        "progress": progress(desk.keys, desk.states),
        "cases": cases_of(key for key in desk.keys if not key.settled),
        "last": last_words(last_step(desk.journal, desk.author.session, desk.queue.has_record)),
        "step": secrets.token_hex(8),
        "rate": "" if desk.asked.second else rate_sentence(desk),
    }


def _labelled(screen: Screen) -> bool:
    """Whether the run is one of labels, so that the place of a suggested one is held where there is none."""
    if any(side.item.suggestion is not None for side in screen.found):
        return True
    return any(key.kind == LABEL for key in screen.desk.queue.keys)


def _item(screen: Screen, *, whole: bool, editing: str) -> dict[str, Any]:
    desk, key, found, shown = screen.desk, screen.chosen, screen.item, screen.shown
    second = desk.asked.second
    earlier, later, _ = neighbours(desk.keys, screen.anchor.case)
    *_, place = neighbours([one for one in desk.keys if not one.settled], screen.anchor.case)
    group = group_of(desk, key)
    can_edit = bool(found.record.messages) and not shown.masked and not second
    step = secrets.token_hex(8)
    return {
        "screen": screen,
        "key": key,
        "item": found,
        "sides": screen.sides(step, whole=whole),
        "more_facts": shown.facts if key.kind in (READ, GENERATED) else shown.facts[1:],
        "heading": _heading(key, found.title, shown.facts),
        "masked": shown.masked,
        "can_edit": can_edit,
        "editing": bool(editing) and can_edit,
        "relabelling": editing == RELABELLING and can_edit and found.suggestion is not None,
        "answer_at": found.record.last_assistant_index,
        "whole": whole,
        "holds": None if second else screen.holds(key),
        "settled": not second and key in screen.settled,
        "seen": screen.seen,
        "other": screen.keys[(screen.place + 1) % len(screen.keys)] if screen.is_pair and not second else None,
        "earlier": earlier,
        "later": later,
        "place": place,
        "group": group if len(group) > 1 and not second else [],
        "grouped": screen.is_pair and not second,
        "labelled": _labelled(screen) and not second,
        "reasons": REASONS,
        "words": words_of(key),
    }


def _heading(key: Key, title: str, facts: tuple[str, ...]) -> str:
    """What it turns on, in one line: what the first check said, or how it came about."""
    if key.kind in (READ, GENERATED) or not facts:
        return title[:1].upper() + title[1:]
    check, _, said = facts[0].partition(": ")
    return f"{check.replace('_', ' ').capitalize()}: {said}"
