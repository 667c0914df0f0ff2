"""The HTML report: one file that opens from disk, asks no network for anything, and escapes all record text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from assay.storage import write_text
from assay.version import __version__

from ..overview.overview import Overview
from ..stage import Audited
from .overview_view import top_of
from .report_view import sections

if TYPE_CHECKING:
    from jinja2 import Environment

_ANCHORS = frozenset({"consists-of", "parts", "to-read", "not-judged"})
"""Parts of the page that are always there when something links to them."""

_VERDICTS = {
    "FIT": "Fit to train on",
    "FIT_AFTER_CURATION": "Fit to train on after curation",
    "NOT_FIT": "Not fit to train on",
    "NOT_JUDGED": "Not judged in full",
}


def write_report(audited: Audited, path: Path, overview: Overview | None = None, *, redact: bool = False) -> None:
    """Raises StorageError. With `redact` no text of any record is in the file."""
    write_text(path, render_report(audited, overview, redact=redact))


def environment() -> Environment:
    """Templates that escape every value, and fail on a name that is not there."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_report(audited: Audited, overview: Overview | None = None, *, redact: bool = False) -> str:
    """The page; record text is only ever a value, never part of the template.

    overview  what the top of the page is made from; with `redact` it was made without text too
    """
    counts = audited.decided.ledger.counts()
    not_judged: dict[str, list[str]] = {}
    for name, why in audited.not_judged.items():
        not_judged.setdefault(why, []).append(name)
    shown = sections(audited, redact=redact)
    return (
        environment()
        .get_template("report.html")
        .render(
            title=_VERDICTS[audited.fitness.verdict],
            verdict=str(audited.fitness.verdict),
            reasons=audited.fitness.reasons,
            notes=audited.data.notes,
            counts=counts,
            fates=[(fate, counts[fate]) for fate in ("kept", "repaired", "held", "dropped")],
            sections=shown,
            not_judged=not_judged,
            top=top_of(overview, redact=redact) if overview is not None else None,
            anchors={section.name for section in shown} | _ANCHORS,
            digest=audited.data.digest,
            redact=redact,
            date=time.strftime("%Y-%m-%d"),
            version=__version__,
        )
    )
