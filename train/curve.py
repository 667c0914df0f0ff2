"""The training curve as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.storage import write_atomically

from .watching.steps import StepLog, scores, training_losses, validation_losses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINING, VALIDATION, KEPT, SCORE = "#4c6a92", "#c8553d", "#3a7d44", "#7b5ea7"


def draw_curve(log: Sequence[StepLog], best_step: int | None, title: str, folder: Path) -> list[Path]:
    """Writes `curve.png` and `curve.svg`: loss a step, its running mean, validation loss, score, and the step kept."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    _plot(figure.subplots(), log, best_step, title)
    written = []
    for suffix, canvas in (("png", FigureCanvasAgg(figure)), ("svg", FigureCanvasSVG(figure))):
        path = folder / f"curve.{suffix}"
        options: dict[str, Any] = {"dpi": 150} if suffix == "png" else {"metadata": {"Date": None}}
        write_atomically(path, lambda file, c=canvas, o=options, s=suffix: c.figure.savefig(file, format=s, **o))  # type: ignore[misc]
        written.append(path)
    return written


def _plot(axes: Axes, log: Sequence[StepLog], best_step: int | None, title: str) -> None:
    training, validation, scored = training_losses(log), validation_losses(log), scores(log)
    if training:
        steps, losses = zip(*training, strict=True)
        axes.plot(steps, losses, color=TRAINING, alpha=0.3, linewidth=1)
        axes.plot(steps, _running_mean(losses), color=TRAINING, linewidth=2, label="training")
    if validation:
        steps, losses = zip(*validation, strict=True)
        axes.plot(steps, losses, color=VALIDATION, linewidth=2, marker="o", label="validation")
    if best_step is not None:
        axes.axvline(best_step, color=KEPT, linestyle="--", linewidth=1, label=f"kept: step {best_step}")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats a trained token)")
    axes.set_ylim(0, 1.08 * max((loss for _, loss in (*training, *validation)), default=1.0))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    lines, labels = axes.get_legend_handles_labels()
    if scored:
        beside = axes.twinx()
        beside.plot(*zip(*scored, strict=True), color=SCORE, linewidth=2, marker="s", label="score")
        beside.set_ylabel("score of the items that select")
        beside.set_ylim(0, 1)
        beside.spines["top"].set_visible(False)
        lines, labels = lines + beside.get_legend_handles_labels()[0], [*labels, "score"]
    if lines and axes.figure is not None:
        axes.figure.legend(lines, labels, frameon=False, loc="outside lower center", ncols=len(lines))


def _running_mean(values: Sequence[float], share: float = 0.1) -> list[float]:
    """Exponential, over about a tenth of the run, corrected for its start."""
    weight = 1 / max(1.0, share * len(values))
    mean, out = 0.0, []
    for count, value in enumerate(values, 1):
        mean += weight * (value - mean)
        out.append(mean / (1 - (1 - weight) ** count))
    return out
