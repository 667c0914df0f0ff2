"""The first page: the verdict, the data, what waits for a person, and every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.errors import SourceError
from assay.locks import is_held
from assay.reviews.journal import reviews_in
from assay.reviews.review import latest
from assay.runs import Manifest
from assay.summary_page import SENTENCES

from .rendering import page, site_of
from .site import Site, read_json

SHOWN_RUNS = 50
FATES = ("kept", "repaired", "held", "dropped")


@dataclass(frozen=True)
class Verdict:
    """Of the newest gate run. of: how many gate runs there are"""

    run: str
    started: str
    of: int
    word: str
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Data:
    """Of the first curate run of the newest pipeline, or an opened folder. counts: of its ledger"""

    name: str
    fitness: str
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    contradictions: int
    held: int


@dataclass(frozen=True)
class Training:
    run: str
    before: float | None
    after: float | None
    steps: int
    model: str


def routes() -> list[Route]:
    return [Route("/", home, methods=["GET"])]


def home(request: Request) -> Response:
    site = site_of(request)
    runs = site.runs()
    return page(
        request,
        "web/home.html",
        title="Start",
        verdict=_verdict(site),
        data=_data(site),
        training=_training(site),
        runs=[_row(run) for run in runs[:SHOWN_RUNS]],
        more=max(0, len(runs) - SHOWN_RUNS),
        store=site.store.root.resolve(),
        fates=FATES,
        decided=_decided(site),
        journal=site.journal,
    )


def _decided(site: Site) -> int:
    """Records that people have decided on, of whatever run."""
    try:
        return len({subject.record_id for subject in latest(reviews_in(site.journal))})
    except SourceError:  # the review page says what is wrong with it
        return 0


def _verdict(site: Site) -> Verdict | None:
    gates = [run for run in site.runs("gate") if run.outcome == "done" and (run.path / "decision.json").is_file()]
    run = gates[0] if gates else None
    decision = read_json(run.path / "decision.json") if run is not None else {}
    word = decision.get("verdict")
    if run is None or word not in SENTENCES:
        return None
    return Verdict(run.run, _time(run), len(gates), word, SENTENCES[word], tuple(decision.get("reasons", ())))


def _data(site: Site) -> Data | None:
    """Of several runs of one pipeline (data, then data with what was generated) the one with the most to decide."""
    names = site.data_runs()[:2]
    found = [read_json(site.folder(name) / "summary.json") for name in names]
    judged = [(name, summary) for name, summary in zip(names, found, strict=True) if summary]
    if not judged:
        return None
    name, summary = max(judged, key=lambda pair: pair[1].get("held", 0))
    fit = summary.get("fit", {})
    return Data(
        name,
        str(fit.get("verdict", "NOT_JUDGED")),
        tuple(fit.get("reasons", ())),
        {fate: summary.get(fate, 0) for fate in ("read", *FATES)},
        summary.get("findings", {}).get("contradiction", {}).get("groups", 0),
        summary.get("held", 0),
    )


def _training(site: Site) -> Training | None:
    run = site.latest("train", "recipe.json")
    if run is None:
        return None
    facts: Mapping[str, Any] = run.data.get("facts", {})
    return Training(
        run.run,
        facts.get("validation_loss_before"),
        facts.get("validation_loss"),
        facts.get("steps", 0),
        str(run.data.get("inputs", {}).get("model", "")),
    )


PLACES = {
    "curate": "/data/{}",
    "synth": "/review/{}",
    "train": "/training/{}",
    "evaluate": "/evaluation/{}",
    "gate": "/evaluation/{}",
}
"""Where a run of a stage is shown; others are shown by their lineage."""


@dataclass(frozen=True)
class Row:
    name: str
    stage: str
    outcome: str
    started: str
    seconds: float | None
    href: str
    error: str


def _row(run: Manifest) -> Row:
    href = PLACES.get(run.stage, "/lineage/{}").format(run.run)
    seconds = run.data.get("seconds")
    outcome = "stopped" if run.outcome == "running" and not is_held(run.path) else run.outcome
    return Row(run.run, run.stage, outcome, _time(run), seconds, href, str(run.data.get("error") or ""))


def _time(run: Manifest) -> str:
    return str(run.data.get("started", "")).replace("T", " ").removesuffix("Z")


def stage_runs(site: Site, *stages: str) -> list[Row]:
    """Rows of the runs of some stages, newest first, as the start page has them."""
    return [_row(run) for run in site.runs() if run.stage in stages]
