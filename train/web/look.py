"""What is found out of a training before anything is spent: the plan, and whatever `assay train` would refuse.

A process of its own: it imports the libraries that count tokens, and what a model repository holds may be large.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.config import to_json
from assay.console import Options
from assay.errors import AssayError, ModelError, SettingsError
from assay.storage import write_json
from assay.web.site import read_json

from .found import Audit, Found

NOT_TO_BE_SEEN = ".assay-look-"
PARTS = {ModelError: "model", SettingsError: "settings"}
"""Which choice an error is about; every other one is about the data."""


def main(arguments: list[str]) -> None:
    """arguments: the draft's folder, the project's."""
    from .drafts import LOOK, LOOKING, SETTINGS

    folder, project = map(Path, arguments)
    os.chdir(project)
    found = Found()
    with _beside(project, (folder / SETTINGS).read_text(encoding="utf-8")) as config:
        audited = _look(found, Options(config=config, quiet=False), str(config))
    write_json(folder / LOOKING / LOOK, dataclasses.asdict(found))  # an audit of much data takes its time
    if audited is not None:
        found.audit = _audit(*audited)
        write_json(folder / LOOKING / LOOK, dataclasses.asdict(found))


@contextmanager
def _beside(project: Path, text: str) -> Iterator[Path]:
    """The settings as a file in the project's folder, where its paths begin, for as long as it takes."""
    made, name = tempfile.mkstemp(prefix=NOT_TO_BE_SEEN, suffix=".yaml", dir=project)
    try:
        with os.fdopen(made, "w", encoding="utf-8") as file:
            file.write(text)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _look(found: Found, options: Options, config: str) -> tuple[Path, str] | None:
    """Fills `found`. Gives the data and the model that are to be audited, None where they cannot be read."""

    def asking(ask: Callable[[], Any]) -> Any:
        """None where it is refused."""
        try:
            return ask()
        except AssayError as error:
            part = next((part for kind, part in PARTS.items() if isinstance(error, kind)), "data")
            found.refused.append((part, str(error).replace(config, "the settings")))
            return None

    from ..inputs import check_reviewed, named_sources, read_inputs
    from ..planning.inputs import Request, read_subject

    request = Request((), "auto", None, None, None, None, None, None)
    subject = asking(lambda: read_subject(request, options))
    inputs = asking(lambda: read_inputs((), "auto", None, options)) if subject is not None else None
    if inputs is None:
        return None
    from ..before.template import check_curated
    from ..prepared import prepare
    from ..preview import preview

    sources = named_sources((), options)
    asking(lambda: check_curated(inputs.target, inputs.store, sources))
    asking(lambda: check_reviewed(inputs, sources, options))
    prepared = asking(lambda: prepare(inputs.data, inputs.settings, inputs.target, inputs.general))
    if prepared is not None:
        found.notes += [*prepared.notes, *prepared.rows.warnings]
        shown = preview(prepared, inputs.target).to_json()
        found.preview = {name: shown[name] for name in ("records", "tokens", "trained_tokens", "longest", "steps")}
        found.plan = asking(lambda: _plan(subject[0], prepared, inputs.settings)) or {}
        found.run = asking(lambda: _run_of(inputs, options)) or ""
    return Path(sources[0]), inputs.target.name


def _plan(subject: Any, prepared: Any, settings: Any) -> dict[str, Any]:
    from ..planning.cards import load_cards
    from ..planning.machine import this_machine
    from ..planning.peaks import lengths_of
    from ..planning.screen import to_json as plan_to_json
    from ..planning.stage import plan

    made = plan(subject, lengths_of(prepared.rows.training), settings, load_cards(None), this_machine(settings))
    return plan_to_json(made)


def _run_of(inputs: Any, options: Options) -> str:
    """The name that the run will have."""
    from assay.runs import run_digest

    from ..identity import input_digests
    from ..watching.selecting import read_selection

    assert options.config is not None
    selection = read_selection(inputs.settings, inputs.target, options.config.parent)
    digest = run_digest(
        "train",
        to_json(inputs.settings),
        input_digests(inputs.data, inputs.general, inputs.target, inputs.target.ref, selection),
    )
    return f"train-{digest[:12]}"


def _audit(source: Path, model: str) -> Audit:
    """Of curated data, what its run says; else what `assay audit` finds now."""
    import json

    summary = read_json(source / "summary.json")
    if summary:
        return Audit(_mapping(summary.get("fit")), _counted(summary.get("findings")))
    command = [sys.executable, "-P", "-m", "assay.cli", "audit", str(source.resolve()), "--json", "--quiet"]
    done = subprocess.run(
        [*command, "--model", model], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    try:
        said = json.loads(done.stdout)
        return Audit(_mapping(said["fit"]), _counted(said["summary"]))
    except (ValueError, KeyError, TypeError):
        return Audit({}, {}, (done.stderr.strip().splitlines() or ["the audit said nothing"])[-1][:500])


def _counted(findings: Any) -> dict[str, int]:
    """{check: records}, the most first."""
    counts = {str(check): int(_mapping(found).get("records", 0)) for check, found in _mapping(findings).items()}
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
