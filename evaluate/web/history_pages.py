"""Each suite over the evaluations of the store, which adapter was put in use, and every verdict as it was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from assay.web.rendering import page, site_of

from ..release.history import GateRun, Judged, Trend, trends
from ..release.history import history as judged_of
from .history_plot import HistoryPlot, history_plot
from .places import same_files
from .release_versions import Released, released

SHOWN = 24
"""Evaluations drawn of a suite; the newest. `assay runs trend` has them all."""


@dataclass(frozen=True)
class Row:
    """One evaluation. gates: that judged it, the newest first"""

    run: str
    started: str
    candidate: str
    versions: tuple[Released, ...]
    gates: tuple[GateRun, ...]


def history(request: Request) -> Response:
    site = site_of(request)
    found = judged_of(site.store)
    known = released(site)
    promoted = {judged.run: _names(judged, known) for judged in found}
    all_trends = trends(found)
    left_out = {run: why for trend in all_trends for run, why in trend.left_out}
    return page(
        request,
        "evaluate/history.html",
        title="Scores over releases",
        plots=[_plot(trend, promoted) for trend in all_trends if trend.points],
        more=max((len(trend.points) for trend in all_trends), default=0) > SHOWN,
        rows=[_row(judged, known) for judged in found],
        left_out=left_out,
        adapters=known,
    )


def _plot(trend: Trend, promoted: Mapping[str, Sequence[str]]) -> HistoryPlot:
    return history_plot(Trend(trend.suite, trend.points[-SHOWN:], trend.left_out), promoted)


def _names(judged: Judged, known: Sequence[Released]) -> list[str]:
    files = judged.adapter_files or {}
    return [str(one.version) for one in known if one.promoted and same_files(one.version.files, files)]


def _row(judged: Judged, known: Sequence[Released]) -> Row:
    files = judged.adapter_files or {}
    versions = tuple(one for one in known if same_files(one.version.files, files))
    adapter = judged.adapter
    name = "" if adapter is None else adapter.parent.name if adapter.name == "adapter" else adapter.name
    started = judged.started.replace("T", " ").removesuffix("Z")
    return Row(judged.run, started, name, versions, tuple(reversed(judged.gates)))
