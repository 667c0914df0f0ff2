"""Each suite over the evaluations of the store, which adapter was put in use, and the verdict of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from assay.runs import RunStore
from assay.web.rendering import page, site_of

from ..release.history import Judged, Trend, trends
from ..release.history import history as judged_of
from .history_plot import HistoryPlot, history_plot
from .places import same_files
from .release_versions import Released, released

SHOWN = 24
"""Evaluations drawn of a suite; the newest. `assay runs trend` has them all."""


@dataclass(frozen=True)
class Row:
    """One evaluation. gate: the run that judged it"""

    run: str
    gate: str
    verdict: str
    started: str
    candidate: str
    versions: tuple[Released, ...]


def history(request: Request) -> Response:
    site = site_of(request)
    found = judged_of(site.store)
    known = released(site)
    promoted = {judged.run: _names(judged, known) for judged in found}
    all_trends = trends(found)
    left_out = {run: why for trend in all_trends for run, why in trend.left_out}
    gates = _gates(site.store)
    return page(
        request,
        "evaluate/history.html",
        title="Scores over releases",
        plots=[_plot(trend, promoted) for trend in all_trends if trend.points],
        more=max((len(trend.points) for trend in all_trends), default=0) > SHOWN,
        rows=[_row(judged, known, gates) for judged in found],
        left_out=left_out,
        adapters=known,
    )


def _plot(trend: Trend, promoted: Mapping[str, Sequence[str]]) -> HistoryPlot:
    return history_plot(Trend(trend.suite, trend.points[-SHOWN:], trend.left_out), promoted)


def _names(judged: Judged, known: Sequence[Released]) -> list[str]:
    files = judged.adapter_files or {}
    return [str(one.version) for one in known if one.promoted and same_files(one.version.files, files)]


def _gates(store: RunStore) -> dict[str, str]:
    """{evaluation: the newest gate run that judged it}."""
    runs = [run for run in reversed(store.manifests()) if run.stage == "gate"]
    return {parent: run.run for run in runs for parent in run.parents}


def _row(judged: Judged, known: Sequence[Released], gates: Mapping[str, str]) -> Row:
    files = judged.adapter_files or {}
    versions = tuple(one for one in known if same_files(one.version.files, files))
    adapter = judged.adapter
    name = "" if adapter is None else adapter.parent.name if adapter.name == "adapter" else adapter.name
    started = judged.started.replace("T", " ").removesuffix("Z")
    return Row(judged.run, gates.get(judged.run, ""), str(judged.verdict or ""), started, name, versions)
