"""The guides from beginning to end with the embedded model, whose figures another processor may move."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assay.errors import ModelError
from assay.models import resolve
from assay.models.embedded import DEFAULT_MODEL
from tests.guides import Walk, missing, steps

FEW = """version: 1
train: {num_train_epochs: 0.03, eval_steps: 2}
evaluate: {limit: 6, damaged_items: 6, slightly_damaged_items: 0, zero_items: 4}
"""
"""Beside the data of the guide that trains and scores, which takes ten minutes as it stands."""


@pytest.fixture(scope="module", autouse=True)
def _embedded_model() -> None:
    try:
        resolve(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")


def _without_figures(text: str) -> str:
    """Lines with every number as 0, and columns as far apart as one space."""
    return re.sub(r"[ \t]+", " ", re.sub(r"\d[\d,.]*\d|\d", "0", text))


@pytest.mark.parametrize("guide", ["audit-before-training.md", "generate-examples.md", "gate-releases-in-ci.md"])
def test_a_guide_runs_to_its_end(guide: str, tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    for step in steps(guide):
        printed, shown = walk.do(step), step.shown
        if step.needs_model:
            printed, shown = _without_figures(printed), _without_figures(shown)
        assert missing(shown, printed) is None, f"{missing(shown, printed)}\n--- printed\n{printed}"


def test_what_the_regression_guide_trains_is_scored_and_judged(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    for step in steps("regression-check-general-ability.md"):
        if step.needs_model:
            (walk.place / "assay.yaml").write_text(FEW)
        walk.do(step)
    assert (walk.place / "verdict-mine" / "certificate.json").is_file()
