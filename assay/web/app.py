"""The application: pages by the module that brings them, errors as pages, the guard in front."""

from __future__ import annotations

import importlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from assay.errors import AssayError, NoSuchRunError

from .guard import LARGEST_FORM, Guard, Keys
from .rendering import HERE, page

if TYPE_CHECKING:
    from .site import Site

PAGES = (
    "assay.web.home:routes",
    "assay.curate.web.pages:routes",
    "assay.web.review.pages:routes",
    "assay.train.web.pages:routes",
    "assay.evaluate.web.pages:routes",
    "assay.web.lineage.pages:routes",
)
"""Functions without arguments that give a list of routes."""

PREPARATIONS = (
    "assay.curate.web.preparing:prepare",
    "assay.web.review.preparing:prepare",
    "assay.train.web.preparing:prepare",
)
"""Functions of the site that do, in a thread when the server starts, what the first page would wait for."""


class Brought(NamedTuple):
    """The application and its keys: `keys.token()` makes a link that can be used once."""

    app: Starlette
    keys: Keys


def application(site: Site) -> Brought:
    """All pages over one site."""
    keys = Keys()
    routes: list[BaseRoute] = [Mount("/static", StaticFiles(directory=HERE / "static"), name="static")]
    for target in PAGES:
        routes += brought(target)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, keys=keys)],
        exception_handlers={AssayError: _said, HTTPException: _not_there},  # type: ignore[dict-item]
        lifespan=_started,
    )
    app.state.site = site
    return Brought(app, keys)


@asynccontextmanager
async def _started(app: Starlette) -> AsyncIterator[None]:
    """A page that is written as a file is asked without a server, and nothing is prepared for it."""
    for target in PREPARATIONS:
        module, _, function = target.partition(":")
        prepare = getattr(importlib.import_module(module), function)
        threading.Thread(target=prepare, args=(app.state.site,), daemon=True).start()
    yield


def brought(target: str) -> list[Route]:
    """The routes of one entry of PAGES."""
    module, _, function = target.partition(":")
    routes: list[Route] = getattr(importlib.import_module(module), function)()
    return routes


def posting(path: str, handle: Callable[[Request, FormData], Response]) -> Route:
    """A route that changes something: by POST alone, its form read here, its work done in a thread."""

    async def endpoint(request: Request) -> Response:
        form = await request.form(max_part_size=LARGEST_FORM)
        return await run_in_threadpool(handle, request, form)

    return Route(path, endpoint, methods=["POST"])


def _said(request: Request, error: AssayError) -> Response:
    """An error that a user can cause, as its one line."""
    missing = isinstance(error, NoSuchRunError)
    status = 404 if missing else 500
    heading = "Not there" if missing else "That did not work"
    return page(request, "web/problem.html", title=heading, status=status, line=str(error))


def _not_there(request: Request, error: HTTPException) -> Response:
    heading = "Not there" if error.status_code == 404 else "That did not work"
    return page(request, "web/problem.html", title=heading, status=error.status_code, line=error.detail)
