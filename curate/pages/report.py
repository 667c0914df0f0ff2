"""The HTML report: one file that opens from disk, asks no network for anything, and escapes all record text."""

from __future__ import annotations

import time
from pathlib import Path

from assay.storage import write_text
from assay.version import __version__

from ..settings import USABLE_RECORDS
from ..stage import Audited
from .report_view import sections

_VERDICTS = {
    "FIT": "Fit to train on",
    "FIT_AFTER_CURATION": "Fit to train on after curation",
    "NOT_FIT": "Not fit to train on",
    "NOT_JUDGED": "Not judged in full",
}


def write_report(audited: Audited, path: Path, *, redact: bool = False) -> None:
    """Raises StorageError. With `redact` no text of any record is in the file."""
    write_text(path, render_report(audited, redact=redact))


def render_report(audited: Audited, *, redact: bool = False) -> str:
    """The page; record text is only ever a value, never part of the template."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    counts = audited.decided.ledger.counts()
    not_judged: dict[str, list[str]] = {}
    for name, why in audited.not_judged.items():
        not_judged.setdefault(why, []).append(name)
    return environment.get_template("report.html").render(
        title=_VERDICTS[audited.fitness.verdict],
        verdict=str(audited.fitness.verdict),
        reasons=audited.fitness.reasons,
        notes=audited.data.notes,
        counts=counts,
        fates=[(fate, counts[fate]) for fate in ("kept", "repaired", "held", "dropped")],
        sections=sections(audited, redact=redact),
        not_judged=not_judged,
        usual=USABLE_RECORDS,
        digest=audited.data.digest,
        redact=redact,
        date=time.strftime("%Y-%m-%d"),
        version=__version__,
    )
