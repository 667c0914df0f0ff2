"""Data: an overview, a search, and each record."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.web.home import stage_runs
from assay.web.rendering import page, site_of

from . import record


def routes() -> list[Route]:
    return [Route("/data", runs, methods=["GET"]), *record.routes()]


def runs(request: Request) -> Response:
    """Every run there is, newest first."""
    rows = stage_runs(site_of(request), "curate")
    return page(request, "web/stage.html", title="Data", rows=rows, command="assay curate DATA -o OUT")
