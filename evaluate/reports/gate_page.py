"""What a gate decided, as one page that a manager can read: no script, nothing loaded, every text escaped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..gate.least_score import in_words as least_in_words
from ..gate.policy_words import asked, loss
from ..wording import confidence, count, interval, nats, percent, points, size
from .gate_plots import difference_plot, flip_plot, slice_plot, sparkline
from .gate_report import MEANINGS, Report, next_step

ANSWER_CHARACTERS = 400


def html(report: Report) -> str:
    """One self-contained page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "points": points, "size": size, "cut": _cut, "nats": nats, "p": _p}
    environment.filters["confidence"] = confidence
    decision = report.decision
    page = environment.get_template("gate.html").render(
        decision=decision,
        meaning=MEANINGS[decision.verdict],
        reasons=decision.reasons,
        next_step=next_step(decision),
        policy=report.policy,
        moved=report.moved,
        redact=report.redact,
        plot=difference_plot(decision, report.policy),
        flips=flip_plot(decision.suites),
        slices={suite.suite: slice_plot(suite) for suite in decision.suites},
        trends=[trend for trend in report.trends if len(trend.points) > 1],
        sparkline=sparkline,
        asked=asked(report.policy),
        loss=loss,
        least_in_words=least_in_words,
        certificate=Path(decision.certificate).name if decision.certificate else "",
        base=_base_line(report.identity),
        interval=interval,
        count=count,
        version=_version(),
        date=time.strftime("%Y-%m-%d"),
    )
    return str(page)


def _version() -> str:
    from assay.version import __version__

    return __version__


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _cut(text: str | None) -> str:
    if text is None:
        return ""
    return text if len(text) <= ANSWER_CHARACTERS else text[:ANSWER_CHARACTERS] + " …"


def _base_line(identity: Mapping[str, object]) -> str:
    base: Any = identity.get("base")
    if not isinstance(base, Mapping):
        return ""
    parts = {key: str(base[key]) for key in ("name", "revision", "quantisation", "dtype") if base.get(key)}
    if "revision" in parts:
        parts["revision"] = parts["revision"][:12]  # the whole of it is in the certificate
    return ", ".join(parts.values())
