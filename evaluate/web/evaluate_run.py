"""The page of an evaluation: scores with intervals, and how to have it judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from assay.locks import is_held
from assay.runs import Manifest
from assay.web.rendering import page, site_of
from assay.web.site import Site

from ..evaluation_files import ITEMS
from ..wording import count, interval, percent, points, size
from .places import adapter_files, base_of, candidate_of, gates_of, manifest_of, read_header
from .release_versions import versions_with

SHOWN = ("base", "previous", "candidate", "damaged", "slightly_damaged", "zero")
MODELS = {"slightly_damaged": "slightly damaged", "zero": "adds nothing"}


@dataclass(frozen=True)
class Score:
    """at, low, high: places on a line from 0 to 100"""

    text: str
    at: float
    low: float
    high: float


@dataclass(frozen=True)
class SuiteScores:
    """scores: by model, None where it was not asked. items: where they are"""

    name: str
    kind: str
    n: int
    scores: tuple[Score | None, ...]
    items: str


@dataclass(frozen=True)
class Judged:
    run: str
    verdict: str


def evaluation_page(request: Request, run: str) -> Response:
    """Of a folder with an evaluation.json."""
    site = site_of(request)
    folder = site.folder(run)
    header = read_header(folder)
    manifest = manifest_of(site, run)
    if not header:
        line = "evaluation.json is damaged, or of another version. `assay evaluate` writes it again."
        return page(request, "web/problem.html", title=f"{run} cannot be read", line=line)
    models = [name for name in SHOWN if any(_score(suite, name) for suite in header["suites"])]
    settings = header.get("settings")
    notes = settings.get("notes") if isinstance(settings, Mapping) else None
    return page(
        request,
        "evaluate/evaluate_run.html",
        title=f"Scores of {run}",
        run=run,
        command=f"assay gate {folder} --policy policy.yaml",
        models=[MODELS.get(name, name) for name in models],
        suites=[_suite(suite, models, run) for suite in header["suites"]],
        gates=_gates(site, run),
        measured=manifest is not None and manifest.stage == "measure",
        candidate=candidate_of(header),
        is_run=site.store.root.joinpath("runs", candidate_of(header) or "-").is_dir(),
        base=base_of(header),
        versions=versions_with(site, adapter_files(header)),
        leaks=header.get("leaks"),
        evidence=header.get("evidence") or {},
        notes=[str(note) for note in notes] if isinstance(notes, list) else [],
        complete=not isinstance(settings, Mapping) or settings.get("complete", True),
        started=str(manifest.data.get("started", "")) if manifest is not None else "",
        has_items=(folder / ITEMS).is_file(),
        words={"count": count, "interval": interval, "points": points, "size": size, "percent": percent},
    )


def nothing_page(request: Request, run: str) -> Response:
    """Of a run that wrote neither scores nor a decision: one that goes on, failed, or was of another stage."""
    manifest = manifest_of(site_of(request), run)
    data = manifest.data if manifest is not None else {}
    outcome, error = str(data.get("outcome", "")), str(data.get("error") or "")
    said = {"running": "It goes on.", "failed": f"It failed: {error}"}
    line = said.get(outcome, "It holds no evaluation.json and no decision.json.")
    if outcome == "running" and manifest is not None and not is_held(manifest.path):
        line = "It was stopped before it wrote a result. The same command goes on with it."
    return page(request, "evaluate/nothing.html", title=f"{run} has no result", run=run, line=line)


def _suite(suite: Mapping[str, Any], models: list[str], run: str) -> SuiteScores:
    name = str(suite.get("suite"))
    scores = tuple(_score(suite, model) for model in models)
    numbers = [int(score.get("n") or 0) for score in suite.get("scores", ())]
    kind = {"suite": "domain", "general": "general", "lm_eval": "lm-eval task"}.get(str(suite.get("kind")), "")
    address = f"/evaluation/{run}/items?{urlencode({'suite': name})}"
    return SuiteScores(name, kind, max(numbers, default=0), scores, address)


def _score(suite: Any, model: str) -> Score | None:
    given = suite.get("scores", ()) if isinstance(suite, Mapping) else ()
    found = next((score for score in given if score.get("model") == model), None)
    if found is None or not found.get("n"):
        return None
    value, low, high = (float(found[key]) for key in ("score", "ci_low", "ci_high"))
    return Score(percent(value), 100 * value, 100 * low, 100 * high)


def _gates(site: Site, run: str) -> list[Judged]:
    return [Judged(gate.run, verdict_of(gate)) for gate in gates_of(site, run)]


def verdict_of(gate: Manifest) -> str:
    facts = gate.data.get("facts")
    return str(facts.get("verdict") or "") if isinstance(facts, Mapping) else ""
