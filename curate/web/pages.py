"""Data: what holds curated records, an overview of it, its records; each record is in record.py."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from assay.web.home import left_or_none
from assay.web.rendering import page, page_number, redacted, site_of

from . import record
from .overview import overview_of
from .records_page import exported, listed
from .shelf import others, shelf

SHOWN = 50
"""Of a page of what holds data, and of what holds none."""


def routes() -> list[Route]:
    return [
        Route("/data", everything, methods=["GET"]),
        Route("/data/{run}", overview, methods=["GET"]),
        Route("/data/{run}/records", listed, methods=["GET"]),
        Route("/data/{run}/records.csv", exported, methods=["GET"]),
        *record.routes(),
    ]


def everything(request: Request) -> Response:
    """What holds curated records, newest first; where there is one alone, that one."""
    site = site_of(request)
    names, rest = site.data_runs(), others(site)
    if len(names) == 1 and not rest and "save" not in request.query_params:
        return RedirectResponse(f"/data/{names[0]}", status_code=302)
    last = max(1, -(-len(names) // SHOWN))
    number = min(page_number(request), last)
    found = shelf(site, names[(number - 1) * SHOWN : number * SHOWN])
    return page(
        request,
        "curate/shelf.html",
        title="Data",
        found=found,
        rest=rest[:SHOWN],
        more=max(0, len(rest) - SHOWN),
        number=number,
        last=last,
    )


def overview(request: Request) -> Response:
    """Is it fit, what would improve it, what does it consist of: from the run's summary alone."""
    site, name = site_of(request), request.path_params["run"]
    shown = overview_of(site, name, redact=redacted(request))
    left = left_or_none(site, name)
    return page(request, "curate/overview.html", title=f"Data {name}", run=name, shown=shown, left=left)
