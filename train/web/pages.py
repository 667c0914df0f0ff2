"""Training: every run, one run, several side by side, and a way to stop one."""

from __future__ import annotations

import os
import shlex
import signal
from dataclasses import dataclass
from typing import NamedTuple

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from assay.errors import NoSuchRunError
from assay.locks import holder
from assay.runs import Manifest
from assay.web.app import posting
from assay.web.plots import as_text
from assay.web.rendering import page, page_number, site_of
from assay.web.site import Site

from ..progress import clock
from ..watching.advice import Advice
from .comparing import results_of, settings_of, written
from .curves import curves, not_numbers, together
from .reading import TrainingRun, training_run, training_runs

MOST_COMPARED = 6
"""As many colours as lines can be told apart by."""

SHOWN_RUNS = 50
"""Of a page."""

MOST_SHOWN = 2000
"""Characters of one stretch of a record, or of a prompt or an answer."""

RELOAD = 4
"""Seconds between two looks at a run that goes on."""


def routes() -> list[Route]:
    from .starting import routes as starting

    return [
        Route("/training", runs, methods=["GET"]),
        Route("/training/compare", compare, methods=["GET"]),
        *starting(),
        Route("/training/{run}", one, methods=["GET"]),
        posting("/training/{run}/stop", stop),
    ]


def runs(request: Request) -> Response:
    """Every run there is, newest first, and what was started and has no run yet."""
    from .drafts import Drafts

    site = site_of(request)
    found = training_runs(site)
    last = max(1, -(-len(found) // SHOWN_RUNS))
    number = min(page_number(request), last)
    known = {run.name for run in found}
    begun = [draft for draft in Drafts(site).all() if draft.started and draft.run not in known]
    live = any(run.state == "running" for run in found) or any(draft.state == "running" for draft in begun)
    return page(
        request,
        "train/runs.html",
        title="Training",
        runs=found[(number - 1) * SHOWN_RUNS : number * SHOWN_RUNS],
        number=number,
        last=last,
        begun=begun,
        live=live,
        most=MOST_COMPARED,
        clock=clock,
    )


def compare(request: Request) -> Response:
    """Raises NoSuchRunError."""
    site = site_of(request)
    names = list(dict.fromkeys(request.query_params.getlist("run")))
    if len(names) > MOST_COMPARED:
        raise NoSuchRunError(f"{len(names)} runs were chosen; {MOST_COMPARED} fit side by side")
    found = [_run(site, name) for name in names]
    plots = together(found)
    return page(
        request,
        "train/compare.html",
        title="Training runs side by side",
        runs=found,
        others=[run for run in training_runs(site) if run.name not in names][:20],
        drawn=plots,
        plain="\n\n".join(map(as_text, plots)),
        settings=settings_of(found),
        results=results_of(found),
    )


def one(request: Request) -> Response:
    """Raises NoSuchRunError."""
    from .drafts import Drafts

    site = site_of(request)
    run = _run(site, request.path_params["run"])
    draft = Drafts(site).of_run(run.name)
    plots = curves(run)
    advice = [Advice(**item) for item in run.facts.get("advice") or () if set(item) == set(Advice.__annotations__)]
    return page(
        request,
        "train/run.html",
        title=f"Training {run.name}",
        run=run,
        drawn=plots,
        plain="\n\n".join(map(as_text, plots)),
        advice=advice,
        warnings=list(run.facts.get("warnings") or ()),
        odd=not_numbers(run.log),
        judging=_judging(run),
        asked=_asked(run),
        recipe=[(name, written(value), run.grounds.get(name, "set")) for name, value in run.recipe.items()],
        origins=[site_has(site, name) for name in run.manifest.parents],
        judged=_judged(site, run.name),
        draft=draft,
        examples=_examples(run),
        clock=clock,
        reload=RELOAD,
    )


def stop(request: Request, form: FormData) -> Response:
    """Asks the process that holds the run to end, as Ctrl-C does. Raises NoSuchRunError."""
    run = _run(site_of(request), request.path_params["run"])
    process = holder(run.path)
    if process is not None:
        os.kill(process, signal.SIGINT)
    return RedirectResponse(f"/training/{run.name}", status_code=303)


@dataclass(frozen=True)
class Origin:
    """A run that this one came from, or that came from it. there: it is in the store"""

    name: str
    stage: str
    there: bool


@dataclass(frozen=True)
class Asked:
    """One unseen prompt. answers: (step, answer, whether this step's adapter is the one that is kept)"""

    record_id: str
    prompt: str
    reference: str
    answers: tuple[tuple[int, str, bool], ...]


class Piece(NamedTuple):
    text: str
    mark: str


@dataclass(frozen=True)
class Example:
    """A record as it trains. pieces: `hit` marks what the loss is computed on"""

    source: str
    tokens: int
    trained_tokens: int
    stop: str
    pieces: tuple[Piece, ...]


def site_has(site: Site, name: str) -> Origin:
    stage = name.rpartition("-")[0]
    try:
        site.folder(name)
    except NoSuchRunError:
        return Origin(name, stage, there=False)
    return Origin(name, stage, there=True)


def _examples(run: TrainingRun) -> list[Example]:
    """Of a run that kept their texts back there are none."""
    found = []
    for item in run.examples:
        parts = [part for part in item.get("parts", ()) if part.get("text") is not None]
        pieces = tuple(Piece(_abridged(part["text"]), "hit" if part["trained"] else "") for part in parts)
        if pieces:
            numbers = int(item.get("tokens") or 0), int(item.get("trained_tokens") or 0)
            found.append(Example(str(item.get("source") or ""), *numbers, str(item.get("stop") or ""), pieces))
    return found


def _abridged(text: str) -> str:
    if len(text) <= MOST_SHOWN:
        return text
    half = MOST_SHOWN // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters ...] {text[-half:]}"


def _judging(run: TrainingRun) -> str:
    """The command that judges its adapter, for a shell."""
    adapter = str((run.path / "adapter").resolve())
    return shlex.join(["assay", "evaluate", "--model", run.model, "--adapter", adapter, "--suite", "SUITE.yaml"])


def _judged(site: Site, name: str) -> list[Manifest]:
    """Runs that came from this one, newest first."""
    return [run for run in site.runs() if name in run.parents]


def _asked(run: TrainingRun) -> list[Asked]:
    kept = run.facts.get("best_step") if run.state == "done" else None
    found = []
    for record_id in dict.fromkeys(sample.record_id for sample in run.samples):
        mine = [sample for sample in run.samples if sample.record_id == record_id]
        answers = tuple((sample.step, _abridged(sample.answer), sample.step == kept) for sample in mine)
        found.append(Asked(record_id, _abridged(mine[0].prompt), _abridged(mine[0].reference), answers))
    return found


def _run(site: Site, name: str) -> TrainingRun:
    found = training_run(site, name)
    if found is None:
        raise NoSuchRunError(f"'{name}' is no training run", where=str(site.store.root), fix="`assay runs` lists them")
    return found
