"""What the log of a run is drawn as."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from assay.web.plots import Lines, lines

from ..watching.steps import StepLog, scores, training_losses, validation_losses
from .reading import TrainingRun

POINTS = 400
"""More than the drawing has room for."""

Points = Sequence[tuple[float, float]]


def curves(run: TrainingRun) -> list[Lines]:
    """Losses first, then whatever else its log has."""
    log = run.log
    losses: list[tuple[str, Points]] = [
        ("training loss", thinned(training_losses(log))),
        ("validation loss", validation_losses(log)),
    ]
    speed = tokens_a_second(log, run.tokens_per_step)
    others: list[tuple[str, Points]] = [
        ("score of generated answers", scores(log)),
        ("learning rate", _of(log, "learning_rate")),
        ("gradient norm", _of(log, "grad_norm")),
        ("tokens a second", speed),
    ]
    drawn = [lines("Loss, nats a trained token", "steps", [pair for pair in losses if pair[1]])] if log else []
    return drawn + [_one(name, points) for name, points in others if len(points) > 1]


def together(runs: Sequence[TrainingRun]) -> list[Lines]:
    """One drawing for each loss, a line a run."""
    validation = [(run.name, validation_losses(run.log)) for run in runs]
    training = [(run.name, thinned(training_losses(run.log))) for run in runs]
    both = (("Validation loss", validation), ("Training loss", training))
    return [lines(f"{title}, nats a trained token", "steps", each) for title, each in both if any(p for _, p in each)]


def not_numbers(log: Sequence[StepLog]) -> list[str]:
    """One line for each loss that was no number: a curve cannot show it."""
    out = []
    for name, points in (("training loss", training_losses(log)), ("validation loss", validation_losses(log))):
        steps = [step for step, value in points if not math.isfinite(value)]
        if steps:
            times = f"step {steps[0]:,}" if len(steps) == 1 else f"{len(steps):,} steps, first of step {steps[0]:,},"
            out.append(f"The {name} of {times} is no number: what was learned from then on is lost.")
    return out


def tokens_a_second(log: Sequence[StepLog], tokens_per_step: float | None) -> Points:
    """Of each step, evaluations aside, by the tokens of a step on average. A resumed run starts its clock again."""
    if not tokens_per_step:
        return []
    pairs = pairwise(log)
    timed = [(now, now.seconds - then.seconds) for then, now in pairs if now.loss is not None]
    return thinned([(now.step, tokens_per_step / taken) for now, taken in timed if taken > 0])


def thinned(points: Points, most: int = POINTS) -> list[tuple[float, float]]:
    """Of so many stretches, the point that is furthest from the stretch's mean: a spike stays. What is no number goes.

    >>> thinned([(1, 1.0), (2, 9.0), (3, 1.0), (4, 1.0)], most=2)
    [(2, 9.0), (3, 1.0)]
    """
    points = [point for point in points if math.isfinite(point[1])]
    if len(points) <= most:
        return points
    size = -(-len(points) // most)
    stretches = [points[start : start + size] for start in range(0, len(points), size)]
    return [_furthest(stretch) for stretch in stretches]


def _furthest(stretch: Points) -> tuple[float, float]:
    mean = fmean(y for _, y in stretch)
    return max(stretch, key=lambda point: abs(point[1] - mean))


def _of(log: Sequence[StepLog], name: str) -> Points:
    found = [(entry.step, getattr(entry, name)) for entry in log]
    return thinned([(step, value) for step, value in found if value is not None])


def _one(name: str, points: Points) -> Lines:
    return lines(name[:1].upper() + name[1:], "steps", [(name, points)])
