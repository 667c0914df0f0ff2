"""The log of a run: one entry a training step and one an evaluation."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .lines import read_lines


@dataclass(frozen=True, slots=True)
class StepLog:
    """One line of `log.jsonl`: a training step (loss), or an evaluation after it (validation_loss).

    Losses are in nats a trained token; the validation loss is the mean of its batches, weighted by their records.
    seconds count from the start of this process's training.
    score  of the generated answers to the items that select, 0 to 1; beside a validation loss
    """

    step: int
    epoch: float
    seconds: float
    loss: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    score: float | None = None

    @property
    def line(self) -> str:
        known = {key: value for key, value in dataclasses.asdict(self).items() if value is not None}
        return json.dumps(known) + "\n"


def read_log(path: Path) -> list[StepLog]:
    """Up to the first line that is not whole."""
    return read_lines(path, StepLog)


def training_losses(log: Sequence[StepLog]) -> list[tuple[int, float]]:
    """(step, loss) of every step."""
    return [(entry.step, entry.loss) for entry in log if entry.loss is not None]


def validation_losses(log: Sequence[StepLog]) -> list[tuple[int, float]]:
    return [(entry.step, entry.validation_loss) for entry in log if entry.validation_loss is not None]


def scores(log: Sequence[StepLog]) -> list[tuple[int, float]]:
    return [(entry.step, entry.score) for entry in log if entry.score is not None]


def last_loss(log: Sequence[StepLog]) -> float | None:
    return next((entry.loss for entry in reversed(log) if entry.loss is not None), None)


def last_validation_loss(log: Sequence[StepLog]) -> float | None:
    return next((entry.validation_loss for entry in reversed(log) if entry.validation_loss is not None), None)
