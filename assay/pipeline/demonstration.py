"""The demo: the pipeline on the sample data, once as it should be done and once carelessly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.config import read_document
from assay.project import bundled, load_project

if TYPE_CHECKING:
    from assay.pipeline.outcome import PipelineResult

UNTRAINABLE = (
    "empty_turn",
    "mask_coverage",
    "no_answer",
    "over_long_answer",
    "role_order",
    "stop_token_untrained",
    "template_renders",
    "unknown_role",
)
"""Findings that even a careless run cannot train on: there is no answer to learn, or it does not fit."""


def run_demo(
    folder: Path, *, offline: bool, redact: bool, say: Callable[[str], None], overrides: Sequence[str] = ()
) -> PipelineResult:
    """The whole pipeline on `sample_data/`; the store is in `folder`. Raises what `assay.pipeline.run` raises."""
    from assay.pipeline import run_project

    document = read_document(bundled("assay.yaml")).override([f"store={folder.resolve()}", *overrides])
    project = load_project(document, bundled("."))
    return run_project(project, offline=offline, redact=redact, say=say)


def run_careless(
    folder: Path, recipe: Sequence[str], *, offline: bool, redact: bool, say: Callable[[str], None]
) -> PipelineResult:
    """The same with every record kept that can be trained on at all, and with `recipe`."""
    from assay import stages

    kept = [name for name in stages.CHECKS.all() if name not in UNTRAINABLE]
    decisions = ", ".join(f"{name}: {{decision: keep}}" for name in kept)
    overrides = [f"curate.checks={{{decisions}}}", *recipe]
    return run_demo(folder, offline=offline, redact=redact, say=say, overrides=overrides)
