"""From an adapter to its data, and to the evaluations that let it out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..home import stage_runs
from ..rendering import page, site_of


def routes() -> list[Route]:
    return [Route("/lineage", runs, methods=["GET"])]


def runs(request: Request) -> Response:
    """Every run there is, newest first."""
    rows = stage_runs(site_of(request), "curate", "synth", "train", "evaluate", "gate")
    return page(request, "web/stage.html", title="Lineage", rows=rows, command="assay run")
