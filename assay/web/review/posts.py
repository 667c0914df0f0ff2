"""What a page of the queue can change: each press is one step in the journal, written before the next page is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assay.records import Message
from assay.reviews.item import Item
from assay.reviews.queue import Key
from assay.reviews.reasons import reason_of
from assay.reviews.review import Verdict
from assay.reviews.steps import About, Action, Decision, second_reading, undo, write
from assay.text import shortened

from ..rendering import page, shown
from .desk import Desk, clean_name, desk_of, set_name, with_session
from .sides import Screen, screen_of
from .view import Holds, holds_of, shown_of

LONGEST_NOTE = 2000
DOES = {
    Action.KEEP: "keep",
    Action.DROP: "drop",
    Action.EDIT: "edit",
    Action.RELABEL: "relabel",
}


def decided(request: Request, form: FormData) -> Response:
    """Keep, drop, edit, relabel or skip one item, then on to the next; a skip passes all that waits on the screen."""
    desk = desk_of(request, form)
    screen = screen_of(desk, desk.key(_text(form, "row")), _text(form, "side"))
    key, action, note = screen.chosen, _action(form), _note(form)
    if action is None:
        return _refused(request, screen, "Nothing was pressed that decides.")
    if desk.asked.second:
        return _second(request, screen, action, note, form)
    try:
        decisions = [_decision(_about(key, screen.item), screen.item, action, note, form)]
    except ValueError as error:
        return _refused(request, screen, str(error), form)
    if action is Action.SKIP and key in screen.open:
        skipped = [side for side in screen.found if side.key in screen.open]
        decisions = [Decision(_about(side.key, side.item), action, note) for side in skipped]
    outcome = write(desk.journal, decisions, desk.author, step_of(desk, form), _text(form, "seen"), screen.about)
    if outcome.written or outcome.again:
        return _onward(request, screen)
    return _clash(request, desk_of(request, form), screen, action, note, form)


def _about(key: Key, item: Item) -> About:
    return About(key.record_id, item.subjects, item.noted)


def step_of(desk: Desk, form: FormData) -> str:
    """The same for the same form, however often it is sent."""
    number = re.sub(r"[^0-9a-f]", "", _text(form, "step"))[:32]
    return f"{desk.author.session}.{number or 'none'}"


def _decision(about: About, item: Item, action: Action, note: str, form: FormData) -> Decision:
    """Raises ValueError, in words, for what cannot be written."""
    if action is Action.EDIT:
        return Decision(about, action, note, messages=_edited(item, form))
    if action is Action.RELABEL:
        if item.suggestion is None or shown_of(item).masked:
            raise ValueError("No other label is suggested for it: edit the answer.")
        if not item.suggestion.stands_alone:
            raise ValueError("More than the label stands in the answer: look at what it becomes, then save the edit.")
        return Decision(about, action, note, answer=item.suggestion.answer)
    return Decision(about, action, note)


def _edited(item: Item, form: FormData) -> tuple[Message, ...]:
    messages = item.record.messages
    if not messages or shown_of(item).masked:
        raise ValueError("Personal data and secrets are masked here: edit the data itself.")
    written = tuple(
        _with_text(message, _text(form, f"text-{place}", whole=True)) if f"text-{place}" in form else message
        for place, message in enumerate(messages)
    )
    for place, (old, new) in enumerate(zip(messages, written, strict=True), 1):
        if (old.content or "").strip() and not (new.content or "").strip():
            raise ValueError(f"Nothing was saved: turn {place} ({new.role}) is empty. Drop it, or write a text.")
    if written == messages:
        raise ValueError("Nothing was saved: no turn was changed.")
    return written


def _with_text(message: Message, text: str) -> Message:
    """Line ends come back as a browser sends them, and what cannot be seen as its code: both as they were."""
    old = message.content or ""
    new = _unshown(text.replace("\r\n", "\n"), old)
    return message if new == old or new == old.replace("\r\n", "\n") else replace(message, content=new)


def _unshown(text: str, old: str) -> str:
    """Codes of characters that the text had before are those characters again."""
    hidden = {shown(sign): sign for sign in set(old) if shown(sign) != sign}
    for code, sign in hidden.items():
        text = text.replace(code, sign)
    return text


def _action(form: FormData) -> Action | None:
    if _text(form, "because"):
        return Action.DROP if reason_of(_text(form, "because")) else None
    word = _text(form, "decision")
    return Action(word) if word in list(Action) else None


def _note(form: FormData) -> str:
    reason, own = reason_of(_text(form, "because")), clean(_text(form, "note"))
    return ": ".join(part for part in (reason, own) if part)


def clean(text: str) -> str:
    return " ".join(text.split())[:LONGEST_NOTE]


def _text(form: FormData, name: str, *, whole: bool = False) -> str:
    value = form.get(name)
    return (value if whole else value.strip()) if isinstance(value, str) else ""


def _second(request: Request, screen: Screen, action: Action, note: str, form: FormData) -> Response:
    desk = screen.desk
    if action in (Action.KEEP, Action.DROP):
        verdict = Verdict.RIGHT if action is Action.KEEP else Verdict.WRONG
        second_reading(desk.journal, screen.chosen.record_id, verdict, desk.author, step_of(desk, form), note)
    return _onward(request, screen)


def _onward(request: Request, screen: Screen) -> Response:
    address = screen.desk.address(after=screen.anchor.name)
    return with_session(request, RedirectResponse(address, status_code=303))


def _refused(request: Request, screen: Screen, line: str, form: FormData | None = None) -> Response:
    """Nothing was written; what was typed is still there."""
    typed = _typed(form) if form is not None else []
    values = {"desk": screen.desk, "screen": screen, "line": line, "typed": typed}
    values["seen"] = _text(form, "seen") if form else ""
    return page(request, "web/review_refused.html", title="Not saved", status=422, **values)


def _typed(form: FormData) -> list[tuple[str, str]]:
    names = [name for name in form if re.fullmatch(r"text-\d+", name)]
    return [(name, _text(form, name, whole=True)) for name in names]


class Meanwhile(NamedTuple):
    """What holds of one record of a screen. other: it is not the one that was decided on."""

    heading: str
    holds: Holds
    other: bool


def _clash(request: Request, desk: Desk, screen: Screen, action: Action, note: str, form: FormData) -> Response:
    """Somebody, or another tab, decided in between: nothing was written, and the person chooses."""
    now = Screen(desk, screen.anchor, screen.found, screen.chosen)
    said = [
        Meanwhile(f"Side {at}" if now.is_pair else "", holds, key.name != now.chosen.name)
        for at, key in enumerate(now.keys, 1)
        if (holds := now.holds(key)) is not None
    ]
    values = {
        "desk": desk,
        "screen": now,
        "said": said,
        "replaces": any(not one.other for one in said),
        "seen": now.seen,
        "action": action,
        "does": DOES.get(action, str(action)),
        "note": note,
        "typed": _typed(form),
        "step": _text(form, "step") + "0",
    }
    return page(request, "web/review_clash.html", title="Decided meanwhile", status=409, **values)


def undone(request: Request, form: FormData) -> Response:
    """Takes back what this browser said last of a record of the run; shows that item again."""
    desk = desk_of(request, form)
    passed = [part for part in _text(form, "passed").split() if part][:50]
    found = undo(desk.journal, desk.author, passed, desk.queue.has_record)
    if found.by:
        going_on = " ".join([*passed, found.step])
        return _stays(request, desk, "Not taken back", holds_of(found.by), going_on, 409)
    if not found.step:
        return _stays(request, desk, "Nothing to take back", None, "", 200)
    if _text(form, "to") == "record":
        address = f"/data/{quote(desk.run)}/record/{quote(_text(form, 'row'))}?undone=1"
        return RedirectResponse(address, status_code=303)
    again = next((key for key in desk.queue.keys if key.record_id in found.records), None)
    row = again.name if again is not None else ""
    number = found.step.partition(".")[2]
    return RedirectResponse(desk.address(row=row, undone=number), status_code=303)


def _stays(request: Request, desk: Desk, title: str, holds: Holds | None, passed: str, status: int) -> Response:
    template = "web/review_stays.html"
    return page(request, template, title=title, status=status, desk=desk, holds=holds, passed=passed)


def named(request: Request, form: FormData) -> Response:
    """Another name for the decisions of this browser."""
    desk = desk_of(request, form)
    answer = RedirectResponse(desk.address(row=_text(form, "row"), side=_text(form, "side")), status_code=303)
    name = clean_name(_text(form, "who"))
    return set_name(answer, name) if name else answer


class Member(NamedTuple):
    """A record of a group: its id, where it stands, and its last turn with masks, cut short."""

    record_id: str
    source: str
    text: str


def members_of(desk: Desk, keys: Sequence[Key]) -> list[Member]:
    out = []
    for key in keys:
        seen = shown_of(desk.queue.item(key))
        text = shortened(" ".join(seen.turns[-1].text.split()), 300) if seen.turns else ""
        out.append(Member(key.record_id, str(seen.record.source), text))
    return out
