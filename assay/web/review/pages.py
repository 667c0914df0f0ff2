"""The review queue: what waits for a person, one thing at a time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.reviews.queue import GENERATED, READ, Key, following, progress
from assay.reviews.reasons import REASONS
from assay.reviews.steps import held_of, last_step, seen_digest

from ..app import posting
from ..home import Row, stage_runs
from ..rendering import page, site_of
from ..site import Site, read_json
from .bulk import ask, group_of, said_of_group
from .desk import Desk, desk_of, with_session
from .figures import rate_sentence, stands
from .posts import decided, named, shown_of, undone
from .view import Holds, Side, holds_of, last_words, neighbours, sides_of, tabs_of


def routes() -> list[Route]:
    return [
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
    return page(request, "web/review_runs.html", title="Review", rows=rows)


class Waits(NamedTuple):
    """Counts as the run ended; what was decided since is on the run's own page. None: not told."""

    row: Row
    held: int | None
    contradictions: int | None
    generated: int | None


def _waits(site: Site, row: Row) -> Waits:
    summary = read_json(site.folder(row.name) / "summary.json")
    found = summary.get("findings")
    groups = found.get("contradiction", {}).get("groups", 0) if isinstance(found, dict) else None
    return Waits(row, summary.get("held"), groups, summary.get("accepted"))


def item(request: Request) -> Response:
    """The item that the address names, or the next that nobody has decided."""
    desk = desk_of(request)
    query = request.query_params
    key = desk.key(query["row"]) if query.get("row") else _next(desk, query.get("after", ""))
    if key is None:
        return with_session(request, page(request, "web/review_done.html", title="Review", **_frame(desk)))
    values = {**_frame(desk), **_item(desk, key, whole=query.get("whole") == "1", editing=query.get("edit") == "1")}
    values |= {"just": bool(query.get("after")), "undone": query.get("undone") == "1"}
    return with_session(request, page(request, "web/review_item.html", title=f"Review of {desk.run}", **values))


def _next(desk: Desk, after: str) -> Key | None:
    if not desk.asked.second:
        return following(desk.keys, desk.states, after)
    place = next((at for at, key in enumerate(desk.keys) if key.name == after), -1)
    return desk.keys[place + 1] if place + 1 < len(desk.keys) else next(iter(desk.keys), None)


def _frame(desk: Desk) -> dict[str, Any]:
    """What stands around an item."""
    return {
        "desk": desk,
        "who": desk.author.who,
        "tabs": tabs_of(desk),
        "progress": progress(desk.keys, desk.states),
        "last": last_words(last_step(desk.journal, desk.author.session)),
        "step": secrets.token_hex(8),
        "rate": "" if desk.asked.second else rate_sentence(desk),
    }


def _item(desk: Desk, key: Key, *, whole: bool, editing: bool) -> dict[str, Any]:
    found = desk.queue.item(key)
    shown = shown_of(found)
    about = desk.about(key)
    held = held_of(desk.standing, about)
    earlier, later, place = neighbours(desk.keys, key.name)
    group, sides = group_of(desk, key), sides_of(shown, whole=whole)
    return {
        "key": key,
        "item": found,
        "sides": sides,
        "beside": {} if desk.asked.second else _said_beside(desk, sides),
        "more_facts": shown.facts if key.kind in (READ, GENERATED) else shown.facts[1:],
        "heading": _heading(key, found.title, shown.facts),
        "masked": shown.masked,
        "can_edit": bool(found.record.messages) and not shown.masked and not desk.asked.second,
        "editing": editing and bool(found.record.messages) and not shown.masked and not desk.asked.second,
        "source": str(shown.record.source),
        "whole": whole,
        "holds": None if desk.asked.second else holds_of(held),
        "seen": seen_digest(desk.standing, [about]),
        "earlier": earlier,
        "later": later,
        "place": place,
        "group": group if len(group) > 1 and not desk.asked.second else [],
        "reasons": REASONS,
        "words": _words(key),
    }


def _said_beside(desk: Desk, sides: Sequence[Side]) -> dict[str, Holds]:
    """By the name of each record that stands beside: what holds of it, where anything does."""
    names = [side.name for side in sides if side.name and not side.is_own]
    found = {name: holds_of(held_of(desk.standing, desk.about(desk.key(name)))) for name in names}
    return {name: holds for name, holds in found.items() if holds is not None}


def _heading(key: Key, title: str, facts: tuple[str, ...]) -> str:
    """What it turns on, in one line: what the first check said, or how it came about."""
    if key.kind in (READ, GENERATED) or not facts:
        return title[:1].upper() + title[1:]
    check, _, said = facts[0].partition(": ")
    return f"{check.replace('_', ' ').capitalize()}: {said}"


def _words(key: Key) -> tuple[str, str]:
    """How to say yes and no."""
    return ("Right", "Wrong") if key.kind in (READ, GENERATED) else ("Keep", "Drop")
