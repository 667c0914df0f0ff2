"""What a request for the queue is about: the run, the filter, who decides, and what holds by now."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from assay.errors import NoSuchRunError
from assay.reviews.opened import Opened, open_run
from assay.reviews.queue import Key, Queue, States, of_kind, second_keys, states_of
from assay.reviews.review import Review
from assay.reviews.standing import Standing, journal_at
from assay.reviews.steps import About, Author

from ..rendering import site_of
from ..site import Site

WHO, SESSION = "assay_who", "assay_review"
"""Cookies: the name that decisions of this browser are written under, and its session, whose last decision `u` takes
back."""

LONGEST_NAME = 80
OPENED = 16
"""Queues that stay open: the list of runs says what is left in each."""

FILES = ("findings.parquet", "held.parquet", "data.parquet", "dropped.parquet", "accepted.parquet", "to_read.csv")
"""A run is opened anew when one of them has changed."""


@dataclass(frozen=True)
class Asked:
    """The filter of a page, as it stands in its address.

    kind    of what is shown, or the name of a check; "" for all that waits
    second  what others have decided, to be read once more without seeing how
    """

    kind: str = ""
    second: bool = False

    def query(self, **more: str) -> str:
        pairs = {"kind": self.kind, "second": "1" if self.second else "", **more}
        return urlencode({name: value for name, value in pairs.items() if value})


@dataclass(frozen=True)
class Desk:
    """One run in front of one person."""

    site: Site
    run: str
    opened: Opened
    asked: Asked
    author: Author
    reviews: Sequence[Review]
    standing: Standing
    version: int

    @cached_property
    def states(self) -> States:
        return states_at(self.opened, self.journal, self.version)

    @property
    def queue(self) -> Queue:
        return self.opened.queue

    @property
    def journal(self) -> Path:
        return self.site.journal

    @property
    def journal_name(self) -> str:
        """As seen from the project's folder; whole where it is elsewhere."""
        return self.site.journal_name

    @cached_property
    def keys(self) -> Sequence[Key]:
        """What the filter shows, in order."""
        found = of_kind(self.queue.keys, self.asked.kind)
        return second_keys(found, self.states, self.standing, self.author.who) if self.asked.second else found

    def key(self, name: str) -> Key:
        """Raises NoSuchRunError for a name that is not in the run."""
        found = self.queue.key(name)
        if found is None:
            raise NoSuchRunError(f"no record '{name:.40}' in this run", fix="go back to the queue")
        return found

    def about(self, key: Key) -> About:
        """What a decision is about, without what is noted beside it."""
        return About(key.record_id, self.queue.subjects(key))

    def with_kind(self, kind: str) -> Desk:
        """The same run under another filter."""
        return replace(self, asked=Asked(kind))

    def address(self, **more: str) -> str:
        query = self.asked.query(**more)
        return f"/review/{quote(self.run)}" + (f"?{query}" if query else "")

    def path(self, name: str) -> str:
        return f"/review/{quote(self.run)}/{name}"


def desk_of(request: Request, form: Mapping[str, object] | None = None) -> Desk:
    """The filter comes from the form, or from the address. Raises NoSuchRunError, SourceError."""
    site, run = site_of(request), request.path_params["run"]
    given: Mapping[str, object] = request.query_params if form is None else form
    journal = journal_at(site.journal)
    reviews, standing = journal.now()
    return Desk(
        site,
        run,
        opened_run(site.folder(run), site.seeds),
        Asked(str(given.get("kind") or "")[:LONGEST_NAME], str(given.get("second") or "") == "1"),
        Author(who_of(request), session_of(request)),
        reviews,
        standing,
        journal.version,
    )


@lru_cache(maxsize=OPENED)
def states_at(opened: Opened, path: Path, version: int) -> States:
    """What of a queue is decided. version: of the journal, as it was read last"""
    return states_of(opened.queue, journal_at(path).now()[1])


def opened_run(folder: Path, seeds: tuple[str, ...]) -> Opened:
    """Kept as long as its files are as they were. Raises SourceError."""
    changed = tuple((path.stat().st_mtime_ns if path.is_file() else 0) for path in (folder / name for name in FILES))
    return _opened(folder.resolve(), seeds, changed)


@lru_cache(maxsize=OPENED)
def _opened(folder: Path, seeds: tuple[str, ...], changed: tuple[int, ...]) -> Opened:
    running = gc.isenabled()
    gc.disable()  # tens of thousands of keys are made and none is thrown away: looking for garbage doubles the time
    try:
        opened = open_run(folder, seeds, offline=True)
        _ = opened.queue.keys
    finally:
        if running:
            gc.enable()
    return opened


def who_of(request: Request) -> str:
    """The name in the cookie, or the one that the workbench was started under."""
    return clean_name(unquote(request.cookies.get(WHO, ""))) or site_of(request).who or "somebody"


def clean_name(text: str) -> str:
    """One line of what can be seen."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:LONGEST_NAME]


def session_of(request: Request) -> str:
    """Of this browser; a new one where it has none: `with_session` gives it to the browser."""
    found = request.cookies.get(SESSION, "")
    if found.isalnum() and found.isascii() and 8 <= len(found) <= 64:
        return found
    if not hasattr(request.state, "review_session"):
        request.state.review_session = secrets.token_hex(12)
    return str(request.state.review_session)


def with_session(request: Request, response: Response) -> Response:
    """The answer, with a session for a browser that has none."""
    session = session_of(request)
    if request.cookies.get(SESSION) != session:
        response.set_cookie(SESSION, session, httponly=True, samesite="lax", path="/", max_age=400 * 24 * 3600)
    return response


def set_name(response: Response, name: str) -> Response:
    response.set_cookie(WHO, quote(name), httponly=True, samesite="lax", path="/", max_age=400 * 24 * 3600)
    return response
