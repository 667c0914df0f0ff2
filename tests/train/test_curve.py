"""The picture of a run: what is drawn, and that it is drawn in both forms."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from assay.train.curve import _plot, draw_curve
from assay.train.watching.steps import StepLog

LOG = [
    StepLog(0, 0, 0, validation_loss=2.0, score=0.1),
    *(StepLog(step, 0, 0, 2 / step) for step in range(1, 7)),
    StepLog(6, 0, 0, validation_loss=0.5, score=0.8),
]


def legend(log: list[StepLog], best_step: int | None) -> list[str]:
    figure = Figure()
    _plot(figure.subplots(), log, best_step, "title")
    return [text.get_text() for found in figure.legends for text in found.get_texts()]


def test_losses_score_and_the_step_kept_are_named() -> None:
    assert legend(LOG, 6) == ["training", "validation", "kept: step 6", "score"]


def test_what_a_run_does_not_have_is_not_named() -> None:
    assert legend([entry for entry in LOG if entry.loss is not None], None) == ["training"]
    assert legend([], None) == []


def test_both_forms_are_written(tmp_path: Path) -> None:
    png, svg = draw_curve(LOG, 6, "title", tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG") and b"</svg>" in svg.read_bytes()
