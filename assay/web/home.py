"""The first page: the verdict, the data, what waits for a person, and every run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.errors import AssayError
from assay.locks import is_held
from assay.pipeline.summary_page import SENTENCES
from assay.runs import Manifest

from .rendering import page, page_number, site_of
from .site import Site, read_json

if TYPE_CHECKING:
    from .review.left import Left

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


@dataclass(frozen=True)
class Opened:
    """A folder that was opened beside the store. word: its verdict, or whether it is what was gated"""

    name: str
    href: str
    word: str


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
    runs, data = site.runs(), _data(site)
    last = max(1, -(-len(runs) // SHOWN_RUNS))
    number = min(page_number(request), last)
    return page(
        request,
        "web/home.html",
        title="Start",
        verdict=_verdict(site),
        data=data,
        training=_training(site),
        runs=[_row(run) for run in runs[(number - 1) * SHOWN_RUNS : number * SHOWN_RUNS]],
        number=number,
        last=last,
        opened=_opened(site),
        unwritable=site.unwritable,
        store=site.store.root.resolve(),
        fates=FATES,
        left=left_or_none(site, data.name) if data is not None else None,
        decisions=number_of_decisions(site),
        journal=site.journal_name,
        applying=site.applying,
    )


OPENED = {
    "decision.json": ("verdict", "/evaluation/{}"),
    "evaluation.json": ("", "/evaluation/{}"),
    "parity.json": ("outcome", "/lineage/{}"),
    "summary.json": ("", "/data/{}"),
}
"""By a file that an opened folder holds: the key of its word, and the page that shows it."""


def _opened(site: Site) -> list[Opened]:
    """Folders opened beside the store, which no list of runs has."""
    found = []
    for name, folder in site.folders.items():
        held = next((file for file in OPENED if (folder / file).is_file()), None)
        if held is not None:
            key, place = OPENED[held]
            found.append(Opened(name, place.format(name), str(read_json(folder / held).get(key) or "") if key else ""))
    return found


def left_or_none(site: Site, name: str) -> Left | None:
    """What is left to decide; None for a run whose queue cannot be opened: the review page says why."""
    from .review.left import left_in

    try:
        return left_in(site, name)
    except AssayError:
        return None


def number_of_decisions(site: Site) -> int:
    """How many people made; none of a journal that cannot be read: the page of decisions says why."""
    from .review.decisions import decisions_at

    try:
        return len(decisions_at(site.journal).made)
    except AssayError:
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
        tuple(as_done(str(reason)) for reason in fit.get("reasons", ())),
        {fate: summary.get(fate, 0) for fate in ("read", *FATES)},
    )


_WOULD = re.compile(r"^curate would (?:\w+ [\d,]*\d(?:, )?)+")
_DONE = {"drop": "dropped", "hold": "held", "repair": "repaired"}


def as_done(reason: str) -> str:
    """What an audit says that curate would do, of data that it has been done to.

    >>> as_done("curate would drop 58, hold 1,177 of 7,093 rows (hold 3)")
    'curate dropped 58, held 1,177 of 7,093 rows (hold 3)'
    """
    found = _WOULD.match(reason)
    if found is None:
        return reason
    said = re.sub(r"\b(drop|hold|repair)\b", lambda word: _DONE[word.group()], found.group().replace("would ", ""))
    return said + reason[found.end() :]


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
    """outcome: of a gate that ended, its verdict. sentence: that verdict in words"""

    name: str
    stage: str
    outcome: str
    started: str
    seconds: float | None
    href: str
    error: str
    sentence: str = ""


def _row(run: Manifest) -> Row:
    href = PLACES.get(run.stage, "/lineage/{}").format(run.run)
    seconds = run.data.get("seconds")
    outcome = "stopped" if run.outcome == "running" and not is_held(run.path) else run.verdict or run.outcome
    error = str(run.data.get("error") or "")
    return Row(run.run, run.stage, outcome, _time(run), seconds, href, error, SENTENCES.get(run.verdict, ""))


def _time(run: Manifest) -> str:
    return str(run.data.get("started", "")).replace("T", " ").removesuffix("Z")


def stage_runs(site: Site, *stages: str) -> list[Row]:
    """Rows of the runs of some stages, newest first, as the start page has them."""
    return [_row(run) for run in site.runs() if run.stage in stages]
