"""A new training: choose, see what it takes and what would be refused, start, stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from assay.models.embedded import EMBEDDED, is_installed
from assay.runs import RunStore
from assay.web.app import posting
from assay.web.rendering import page, site_of
from assay.web.site import Site, read_json

from ..settings import PRESETS
from .drafts import Drafts
from .form import CHECKED, FIELDS, Chosen, choose, first_values, read_project
from .machine import fits_here, on_cards, parts_here
from .rates import BY_MODEL
from .reading import TrainingRun

WAIT = 2
"""Seconds between two looks at what is about to begin."""


def routes() -> list[Route]:
    return [
        Route("/training/new", new, methods=["GET"]),
        posting("/training/new", put_together),
        Route("/training/draft/{draft}", draft, methods=["GET"]),
        posting("/training/draft/{draft}/start", start),
        posting("/training/draft/{draft}/look", look_again),
        posting("/training/draft/{draft}/stop", stop),
    ]


@dataclass(frozen=True)
class Data:
    """One choice of data. records: that were kept or repaired"""

    name: str
    fitness: str
    records: int | None


def new(request: Request) -> Response:
    """Empty, or with what a draft was chosen by. Raises NoSuchRunError."""
    site = site_of(request)
    values = first_values(site, read_project(site))
    named = request.query_params.get("draft")
    if named is not None:
        values |= Drafts(site).get(named).form
    wanted = request.query_params.get("data")
    if wanted in site.data_runs():
        values |= {"data": str(wanted), "path": ""}
    return _form(request, Chosen(values, {}))


def put_together(request: Request, form: FormData) -> Response:
    site = site_of(request)
    chosen = choose(site, {name: str(form.get(name) or "") for name in FIELDS})
    if chosen.errors:
        return _form(request, chosen, status=422)
    made = Drafts(site).keep(chosen.text, chosen.values)
    made.begin_to_look()
    return RedirectResponse(f"/training/draft/{made.id}", status_code=303)


def draft(request: Request) -> Response:
    """Raises NoSuchRunError."""
    site = site_of(request)
    found = Drafts(site).get(request.path_params["draft"])
    run = _run_of(site.store, found.run)
    if found.started and run is not None and found.state == "running" and run.state == "running":
        return RedirectResponse(f"/training/{run.name}", status_code=303)
    plan = found.look.get("plan") or {}
    waiting = found.is_looking or found.state == "running"
    return page(
        request,
        "train/draft.html",
        title="A training, before it starts",
        draft=found,
        look=found.look,
        run=run,
        waiting=waiting,
        plan=plan,
        unfit=_verdict(found.look) == "NOT_FIT",
        parts_of_memory=parts_here(plan),
        here=fits_here(plan),
        cards=on_cards(plan),
        reload=WAIT,
    )


def start(request: Request, form: FormData) -> Response:
    """Raises NoSuchRunError, StorageError. A second one finds the first at work."""
    site = site_of(request)
    found = Drafts(site).get(request.path_params["draft"])
    found.begin()
    return RedirectResponse(f"/training/draft/{found.id}", status_code=303)


def look_again(request: Request, form: FormData) -> Response:
    """Raises NoSuchRunError."""
    found = Drafts(site_of(request)).get(request.path_params["draft"])
    found.begin_to_look()
    return RedirectResponse(f"/training/draft/{found.id}", status_code=303)


def stop(request: Request, form: FormData) -> Response:
    """Raises NoSuchRunError."""
    found = Drafts(site_of(request)).get(request.path_params["draft"])
    process = found.process()
    if process is not None:
        os.kill(process, signal.SIGINT)
    return RedirectResponse(f"/training/draft/{found.id}", status_code=303)


def _form(request: Request, chosen: Chosen, status: int = 200) -> Response:
    site = site_of(request)
    project = read_project(site)
    return page(
        request,
        "train/new.html",
        title="Train an adapter",
        status=status,
        values=chosen.values,
        errors=chosen.errors,
        data=[_data(site, name) for name in site.data_runs()],
        models=[(model.name, is_installed(model), model.download_mb) for model in EMBEDDED.values()],
        presets=PRESETS,
        rate_by_model=BY_MODEL,
        others=project.others,
        fault=project.fault,
        project=site.project.resolve(),
        checked=CHECKED,
    )


def _data(site: Site, name: str) -> Data:
    summary = read_json(site.folder(name) / "summary.json")
    counted = [count for fate in ("kept", "repaired") if isinstance(count := summary.get(fate), int)]
    records = sum(counted) if len(counted) == 2 else None
    fit = summary.get("fit")
    return Data(name, str(fit.get("verdict", "NOT_JUDGED")) if isinstance(fit, dict) else "NOT_JUDGED", records)


def _verdict(look: Mapping[str, Any]) -> str:
    audit = look.get("audit") or {}
    return str((audit.get("fit") or {}).get("verdict", ""))


def _run_of(store: RunStore, name: str) -> TrainingRun | None:
    """None before the process has opened it."""
    if not name or not (store.root / "runs" / name / "manifest.json").is_file():
        return None
    return TrainingRun(store.get(name))
