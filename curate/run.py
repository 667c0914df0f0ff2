"""curate as a run: what is unchanged is not judged again, and OUT gets a copy of the run's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.config import to_json
from assay.console import Options, on_one_line
from assay.dataset import Dataset
from assay.records import Source
from assay.runs import Run, RunStore
from assay.storage import write_atomically, write_text

from .corpus import Corpus
from .inputs import Inputs
from .outputs import write_curated
from .pages.terminal import render
from .reviews.sources import digest_of_reviews
from .stage import curate

TEXT = "summary.txt"


@dataclass(frozen=True)
class Outcome:
    """path: the run's folder. text: for the terminal. summary: what summary.json holds."""

    path: Path
    text: str
    summary: Mapping[str, Any]


def run_curate(inputs: Inputs, options: Options, format_name: str | None) -> Outcome:
    """Curates within the run store and copies the files to --output. Raises RunError, StorageError."""
    settings = {**to_json(inputs.settings), "format": format_name, "redact": options.redact}
    with RunStore().open("curate", settings, _digests(inputs)) as run:
        if run.complete:
            options.say(f"unchanged since {run.id}: not judged again")
        else:
            _work(run, inputs, options, format_name)
        text = (run.path / TEXT).read_text(encoding="utf-8")
        summary = json.loads((run.path / "summary.json").read_text(encoding="utf-8"))
    if options.output is not None:
        _copy(run.path, options.output)
    where = options.output or run.path
    return Outcome(run.path, f"{text}\n  next\n{_next(where)}", {**summary, "run": run.id, "output": str(where)})


def kept_records(outcome: Outcome) -> Corpus:
    """What the run found fit to train on."""
    return Corpus(Dataset.read_parquet(outcome.path / "data.parquet").table)


def _work(run: Run, inputs: Inputs, options: Options, format_name: str | None) -> None:
    curated = curate(
        inputs.data,
        inputs.settings,
        inputs.target,
        inputs.suites,
        inputs.evaluation_texts,
        inputs.engine,
        inputs.confirmer,
        inputs.releases,
        inputs.reviews,
    )
    write_curated(curated, run.path, format=format_name, redact=options.redact)
    write_text(run.path / TEXT, render(curated.audited, redact=options.redact))
    run.facts |= {"counts": curated.ledger.counts(), "seed": inputs.settings.seed}
    if inputs.target is not None:
        model = f"{inputs.target.name}@{inputs.target.revision}"
        run.facts |= {"template_sha256": inputs.target.template_sha256, "model": model}


def _digests(inputs: Inputs) -> dict[str, str]:
    """Of all that the outcome depends on besides the settings."""
    out = {"data": inputs.data.digest, "rows": _rows_digest(inputs.data)}
    for suite in inputs.suites:
        out[f"suite {suite.name}"] = suite.data_sha256
    texts = "\0".join(f"{item.suite}\0{item.item_id}\0{item.text}" for item in inputs.evaluation_texts)
    if texts:
        out["evaluation_texts"] = hashlib.sha256(texts.encode("utf-8", "surrogatepass")).hexdigest()
    if inputs.target is not None:
        out |= inputs.target.digests()
    if inputs.reviews:
        out["reviews"] = digest_of_reviews(inputs.reviews)
    if inputs.releases is not None:
        out["releases"] = json.dumps(inputs.releases.names())
    return out


def _rows_digest(data: Dataset) -> str:
    """Of the rows' places, the faulty ones included: the ledger names them."""
    digest = hashlib.sha256()
    for row_id in data.row_ids():
        digest.update(row_id.encode())
    for fault in data.faults:
        digest.update(f"{_place(fault.source)}{fault.message}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _place(source: Source) -> str:
    return f"{source.file}:{source.row}"


def _copy(run: Path, out: Path) -> None:
    for item in sorted(run.iterdir()):
        if item.is_file() and item.name not in ("manifest.json", TEXT) and not item.name.startswith("."):
            data = item.read_bytes()
            write_atomically(out / item.name, lambda file, data=data: file.write(data))  # type: ignore[misc]


def _next(where: Path) -> str:
    return (
        f"  {on_one_line(where / 'report.html')}    every finding with its text\n"
        f"  {on_one_line(where / 'held.csv')}    what waits for a person: fill in, and give it to --reviews\n"
        f"  {on_one_line(where / 'data.parquet')}    what is fit to train on\n"
    )
