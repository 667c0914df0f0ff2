"""One decision for all of a group, after a page that says how many."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assay.reviews.queue import Key, is_decided
from assay.reviews.steps import About, Action, Decision, seen_digest, write

from ..rendering import page, redacted
from .desk import Desk, desk_of, with_session
from .posts import clean, members_of, step_of
from .textless import without_texts

WAYS = ("keep", "drop", "first")
SHOWN = 20
"""Members of a group whose text the page shows."""


def group_of(desk: Desk, key: Key) -> list[Key]:
    """It, and those of its group that nobody has decided."""
    own, *others = desk.queue.group(key)
    return [own, *(other for other in others if not is_decided(desk.queue, other, desk.standing))]


def actions_of(way: str, count: int) -> list[Action]:
    """For each of a group, itself first."""
    if way == "first":
        return [Action.KEEP, *[Action.DROP] * (count - 1)]
    return [Action.KEEP if way == "keep" else Action.DROP] * count


def sentence(way: str, count: int) -> str:
    """How many of what."""
    if way == "first":
        return f"Keep this one, and drop the other {count - 1}" if count > 2 else "Keep this one, and drop the other"
    return f"{'Keep' if way == 'keep' else 'Drop'} {'both' if count == 2 else f'all {count} of this group'}"


def ask(request: Request) -> Response:
    """What would be written."""
    desk = desk_of(request)
    if redacted(request):
        return without_texts(request, desk)
    key, way = desk.key(request.query_params.get("row", "")), request.query_params.get("way", "")
    return _asking(request, desk, key, way if way in WAYS else "drop", "")


def said_of_group(request: Request, form: FormData) -> Response:
    """All of it as one step, which `undo` takes back as one; nothing where the group is not what was shown."""
    desk = desk_of(request, form)
    key, way = desk.key(str(form.get("row") or "")), str(form.get("way") or "")
    keys = group_of(desk, key)
    if way not in WAYS or [one.name for one in keys] != str(form.get("members") or "").split():
        return _asking(request, desk, key, way if way in WAYS else "drop", "Others were decided meanwhile: look again.")
    note = clean(str(form.get("note") or ""))
    decisions = _decisions(desk, keys, way, note)
    outcome = write(desk.journal, decisions, desk.author, step_of(desk, form), str(form.get("seen") or ""))
    if not (outcome.written or outcome.again):
        return _asking(request, desk_of(request, form), key, way, "Others were decided meanwhile: look again.")
    return with_session(request, RedirectResponse(desk.address(after=key.name), status_code=303))


def _decisions(desk: Desk, keys: Sequence[Key], way: str, note: str) -> list[Decision]:
    made = []
    for key, action in zip(keys, actions_of(way, len(keys)), strict=True):
        item = desk.queue.item(key)
        made.append(Decision(About(key.record_id, item.subjects, item.noted), action, note))
    return made


def _asking(request: Request, desk: Desk, key: Key, way: str, line: str) -> Response:
    keys = group_of(desk, key)
    decided = [other for other in desk.queue.group(key) if other not in keys]
    values = {
        "desk": desk,
        "key": key,
        "way": way,
        "line": line,
        "sentence": sentence(way, len(keys)),
        "members": " ".join(one.name for one in keys),
        "rows": list(zip(actions_of(way, len(keys)), members_of(desk, keys[:SHOWN]), strict=False)),
        "more": max(0, len(keys) - SHOWN),
        "decided": len(decided),
        "seen": seen_digest(desk.standing, [desk.about(one) for one in keys]),
        "step": secrets.token_hex(8),
    }
    return page(request, "web/review_group.html", title="The whole group", status=409 if line else 200, **values)
