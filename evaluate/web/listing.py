"""All evaluations and verdicts, newest first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from assay.locks import is_held
from assay.pipeline.summary_page import SENTENCES
from assay.runs import Manifest
from assay.web.rendering import page, site_of
from assay.web.site import Site, read_json

from ..release.release import DECISION
from ..wording import percent
from .evaluate_run import verdict_of
from .places import (
    adapter_files,
    base_of,
    candidate_of,
    evaluation_of,
    holds_evaluation,
    holds_gate,
    read_header,
    same_files,
)
from .release_versions import Released, released

PER_PAGE = 30
SHOWN_SUITES = 3


@dataclass(frozen=True)
class Entry:
    """One gate or evaluation. why: its first reason, the error of a failed run, or what is to be done next.

    domain   the domain suites in words, base to candidate; general: how many others
    """

    run: str
    stage: str
    word: str
    why: str
    candidate: str
    base: str
    versions: tuple[str, ...]
    domain: tuple[str, ...]
    general: int
    started: str


def runs(request: Request) -> Response:
    site = site_of(request)
    found = [run for run in site.runs() if run.stage in ("gate", "evaluate")]
    judged = {parent for run in found if run.stage == "gate" for parent in run.parents}
    listed = [run for run in found if run.stage == "gate" or run.run not in judged]
    last = max(1, math.ceil(len(listed) / PER_PAGE))
    given = request.query_params.get("page", "")
    number = min(last, max(1, int(given))) if given.isdecimal() and len(given) < 9 else 1
    known = released(site)
    entries = [_entry(site, run, known) for run in listed[PER_PAGE * (number - 1) : PER_PAGE * number]]
    opened = [_opened(site, name, folder, known) for name, folder in site.folders.items()]
    return page(
        request,
        "evaluate/runs.html",
        title="Evaluation",
        entries=[*(entry for entry in opened if entry is not None and number == 1), *entries],
        newest=next((entry for entry in entries if entry.word in SENTENCES), None) if number == 1 else None,
        sentences=SENTENCES,
        number=number,
        last=last,
        in_use=[one for one in known if one.current],
    )


def _entry(site: Site, run: Manifest, known: Sequence[Released]) -> Entry:
    place = evaluation_of(site, run.run)
    header = read_header(place.folder) if place is not None else {}
    word, why = _said(run.path, run.stage, verdict_of(run))
    if run.outcome != "done":
        stopped = run.outcome == "running" and not is_held(run.path)
        word, why = "stopped" if stopped else run.outcome, str(run.data.get("error") or "")
    started = str(run.data.get("started", "")).replace("T", " ").removesuffix("Z")
    return _of(run.run, run.stage, word, why, header, known, started)


def _opened(site: Site, name: str, folder: Path, known: Sequence[Released]) -> Entry | None:
    if not holds_gate(folder) and not holds_evaluation(folder):
        return None
    stage = "gate" if holds_gate(folder) else "evaluate"
    place = evaluation_of(site, name)
    header = read_header(place.folder) if place is not None else {}
    word, why = _said(folder, stage, "")
    return _of(name, stage, word, why, header, known, "opened folder")


def _said(folder: Path, stage: str, noted: str) -> tuple[str, str]:
    """(verdict or what stands for it, first reason)."""
    if stage != "gate":
        return "not judged", "`assay gate` judges it"
    decision = read_json(folder / DECISION)
    reasons = decision.get("reasons")
    word = str(decision.get("verdict") or noted or "no decision")
    return word, str(reasons[0]) if isinstance(reasons, list) and reasons else ""


def _of(
    run: str, stage: str, word: str, why: str, header: Mapping[str, Any], known: Sequence[Released], started: str
) -> Entry:
    suites = [suite for suite in header.get("suites", ()) if isinstance(suite, Mapping)]
    domain = [suite for suite in suites if suite.get("kind") == "suite"]
    files = adapter_files(header)
    versions = tuple(str(one.version) for one in known if same_files(one.version.files, files))
    said = tuple(_scores(suite) for suite in domain[:SHOWN_SUITES])
    general = len(suites) - len(said)
    return Entry(
        run,
        stage,
        word,
        why,
        candidate_of(header),
        base_of(header).partition(", revision")[0],
        versions,
        said,
        general,
        started,
    )


def _scores(suite: Mapping[str, Any]) -> str:
    scores = {score.get("model"): score.get("score") for score in suite.get("scores", ())}
    before, after = scores.get("base"), scores.get("candidate")
    if before is None or after is None:
        return str(suite.get("suite"))
    return f"{suite.get('suite')}: {percent(before)} to {percent(after)}"
