"""Evaluation and release: scores, what moved, the verdict and its reasons.

gate_run.py       the page of a verdict; stored_decision.py reads it back, verifying.py asks its certificate
evaluate_run.py   the page of an evaluation that may not be judged yet
items_pages.py    what moved: items.py reads, prompts.py finds what was asked, item_cards.py lays it out
listing.py        all evaluations and verdicts
history_pages.py  each suite over releases
places.py         from a name in an address to the folders behind it
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.web.app import posting
from assay.web.rendering import site_of


def routes() -> list[Route]:
    from .history_pages import history
    from .items_pages import as_csv, item, items
    from .listing import runs
    from .verifying import verify_now

    return [
        Route("/evaluation", runs, methods=["GET"]),
        Route("/evaluation/history", history, methods=["GET"]),
        Route("/evaluation/{run}", run_page, methods=["GET"]),
        Route("/evaluation/{run}/items", items, methods=["GET"]),
        Route("/evaluation/{run}/items.csv", as_csv, methods=["GET"]),
        Route("/evaluation/{run}/item", item, methods=["GET"]),
        posting("/evaluation/{run}/verify", verify_now),
    ]


def run_page(request: Request) -> Response:
    """Of a gate, of an evaluation, or of a run that wrote neither."""
    from .evaluate_run import evaluation_page, nothing_page
    from .gate_run import gate_page
    from .places import holds_evaluation, holds_gate

    run = str(request.path_params["run"])
    folder = site_of(request).folder(run)
    if holds_gate(folder):
        return gate_page(request, run)
    return evaluation_page(request, run) if holds_evaluation(folder) else nothing_page(request, run)
