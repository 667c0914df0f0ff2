"""The page that `assay run` ends with: verdict, data, training and scores, for someone who reads no logs."""

from __future__ import annotations

import base64
import time
from pathlib import Path

from assay.pipeline.outcome import Outcome
from assay.storage import write_text
from assay.version import __version__

SENTENCES = {
    "PASS": "The adapter is fit to release.",
    "BLOCK": "The adapter should not be released.",
    "INCONCLUSIVE": "Whether the adapter is fit cannot be told from these items.",
    "INVALID": "No verdict: the test could not have seen a regression.",
}


def write_page(outcome: Outcome, path: Path) -> None:
    """One self-contained file; every text is escaped. Raises StorageError."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    curve = outcome.training.curve if outcome.training is not None else None
    page = environment.get_template("summary.html").render(
        page=outcome,
        title=outcome.decision["verdict"] if outcome.decision else "no verdict yet",
        sentence=SENTENCES[outcome.decision["verdict"]] if outcome.decision else "",
        curve=_data_uri(curve) if curve is not None else None,
        version=__version__,
        date=time.strftime("%Y-%m-%d"),
    )
    write_text(path, page)


def _data_uri(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
