"""What goes wrong in a run, told from its log and said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import Literal, TypeAlias

from .steps import StepLog, training_losses, validation_losses

Kind: TypeAlias = Literal["overfitting", "divergence", "stall"]

RISE = 1.01
"""A validation loss above this many times the best one has risen."""

LEAST_STEPS = 20
"""Fewer tell nothing: losses of single batches differ more than training changes them."""

FALL = 0.03
VALIDATION_FALL = 0.99
"""The validation loss is of the same records each time, so that less of a fall can be told."""


@dataclass(frozen=True)
class Sign:
    """What is wrong, and in a sentence on what evidence."""

    kind: Kind
    sentence: str


def signs(log: Sequence[StepLog], steps: int, learning_rate: float) -> tuple[Sign, ...]:
    """Those that the log shows by now. steps: of the whole run."""
    found = (overfitting(log), divergence(log, learning_rate), stall(log, steps, learning_rate))
    return tuple(sign for sign in found if sign is not None)


def overfitting(log: Sequence[StepLog]) -> Sign | None:
    """Validation loss has risen since its best while training loss went on falling."""
    evaluations = validation_losses(log)
    if len(evaluations) < 3:
        return None
    best_step, best = min(evaluations, key=lambda item: item[1])
    step, now = evaluations[-1]
    losses = training_losses(log)
    before = [loss for at, loss in losses if at <= best_step]
    since = [loss for at, loss in losses if at > best_step]
    if not before or not since or now <= RISE * best:
        return None
    fell_from, fell_to = fmean(before[-len(since) :]), fmean(since)
    if fell_to >= fell_from:
        return None
    return Sign(
        "overfitting",
        f"since step {best_step} the training loss fell from {fell_from:.3f} to {fell_to:.3f} while the validation "
        f"loss rose from {best:.3f} to {now:.3f} (step {step}): the model is memorising. The adapter of step "
        f"{best_step} is kept; fewer epochs, more records or a lower lora_r would help",
    )


def divergence(log: Sequence[StepLog], learning_rate: float) -> Sign | None:
    """The training loss, over a tenth of the steps, stands above where it began and well above its lowest.

    One of the two would be chance: batches of short records have higher losses than batches of long ones.
    """
    losses = training_losses(log)
    window = max(5, len(losses) // 10)
    if len(losses) < 3 * window:
        return None
    sums = list(accumulate((loss for _, loss in losses), initial=0.0))
    means = [(sums[at + window] - sums[at]) / window for at in range(len(losses) - window + 1)]
    lowest, now = min(means), means[-1]
    if now <= 1.1 * means[0] or now <= 1.5 * lowest:
        return None
    at = losses[means.index(lowest) + window - 1][0]
    return Sign(
        "divergence",
        f"the training loss rose from {lowest:.3f} (step {at}) to {now:.3f} (step {losses[-1][0]}), above the "
        f"{means[0]:.3f} that it began with: training diverges, most often because learning_rate ({learning_rate:g}) "
        "is too high",
    )


def stall(log: Sequence[StepLog], steps: int, learning_rate: float) -> Sign | None:
    """A third of the run is over and nothing was learned.

    By the validation loss where there is one: no evaluation is 1 % below the first, and the training loss has not
    fallen either. Without one by the training loss alone, once a fall of 3 % from the first quarter of the steps to
    the last is excluded by two standard errors, which takes many steps, as losses of single batches differ.
    """
    losses = [loss for _, loss in training_losses(log)]
    if len(losses) < max(LEAST_STEPS, steps / 3):
        return None
    quarter = len(losses) // 4
    first, last = losses[:quarter], losses[-quarter:]
    fell = fmean(first) - fmean(last)
    error = ((_variance(first) + _variance(last)) / quarter) ** 0.5
    why = f"because learning_rate ({learning_rate:g}) is too low or there is nothing left to learn"
    evaluations = [loss for _, loss in validation_losses(log)]
    if not evaluations:
        if abs(fell) + 2 * error >= FALL * fmean(first):
            return None
        return Sign(
            "stall",
            f"the training loss does not fall: {fmean(first):.3f} over the first {quarter} steps, {fmean(last):.3f} "
            f"over the last: it learns nothing, {why}",
        )
    before, *later = evaluations
    if len(later) < 2 or min(later) < VALIDATION_FALL * before or abs(fell) >= 2 * error:
        return None
    return Sign(
        "stall",
        f"neither loss falls: the validation loss was {before:.3f} before training and is {later[-1]:.3f} after "
        f"{len(losses)} steps: it learns nothing, {why}",
    )


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)
