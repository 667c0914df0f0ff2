"""The review queue: what waits for a person, one thing at a time."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..home import stage_runs
from ..rendering import page, site_of


def routes() -> list[Route]:
    return [Route("/review", runs, methods=["GET"])]


def runs(request: Request) -> Response:
    """Every run there is, newest first."""
    rows = stage_runs(site_of(request), "curate", "synth")
    return page(request, "web/stage.html", title="Review", rows=rows, command="assay curate DATA -o OUT")
