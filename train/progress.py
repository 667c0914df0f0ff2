"""What is seen of a run while it goes on: its log, a progress line, and warnings in words."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import TrainingError, storage_error
from assay.storage import write_text

SECONDS_BETWEEN_LINES = 10.0
RISE = 1.01
"""A validation loss above this many times the best one has risen."""


@dataclass(frozen=True, slots=True)
class StepLog:
    """One line of `log.jsonl`: a training step (loss), or an evaluation after it (validation_loss).

    Losses are in nats a trained token; the validation loss is the mean of its batches, weighted by their records.
    seconds count from the start of this process's training.
    """

    step: int
    epoch: float
    seconds: float
    loss: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """For a caller that draws its own progress. seconds_left is None until a step has been timed."""

    step: int
    steps: int
    loss: float | None
    validation_loss: float | None
    seconds_left: float | None
    tokens_per_second: float

    @property
    def line(self) -> str:
        parts = [f"step {self.step}/{self.steps}"]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        if self.validation_loss is not None:
            parts.append(f"validation {self.validation_loss:.3f}")
        if self.tokens_per_second:
            parts.append(f"{self.tokens_per_second:.0f} tokens/s")
        if self.seconds_left is not None:
            parts.append(f"{_clock(self.seconds_left)} left")
        return "train: " + "  ".join(parts)


@dataclass
class Watch:
    """Follows one run. The trainer tells it of losses; it keeps the log and speaks.

    tokens_per_step  tokens of the records of a step, without padding, on average
    epochs           of the whole run
    """

    path: Path
    steps: int
    epochs: float
    tokens_per_step: float
    learning_rate: float
    say: Callable[[str], None]
    on_progress: Callable[[Progress], None] | None = None
    log: list[StepLog] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    first_step: int = 0
    started: float = field(default_factory=time.monotonic)
    last_line: float = 0.0

    def begin(self, resumed_step: int) -> None:
        """Keeps of an earlier log what the checkpoint has behind it, and starts the clock."""
        self.first_step = resumed_step
        self.log = [entry for entry in _read_log(self.path) if entry.step <= resumed_step] if resumed_step else []
        write_text(self.path, "".join(_line(entry) for entry in self.log))
        self.started = time.monotonic()

    def trained(self, step: int, loss: float, learning_rate: float | None, grad_norm: float | None) -> None:
        """After each step. Raises TrainingError when the loss is no number."""
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} at step {step} of {self.steps}, so training has broken down",
                fix=f"lower learning_rate (it is {self.learning_rate:g}), or set dtype: float32; the log has each step",
            )
        self._add(StepLog(step, self._epoch(step), self._seconds(), loss, None, learning_rate, grad_norm))
        self._report(due=time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES)

    def validated(self, step: int, loss: float) -> None:
        """After each evaluation. Raises TrainingError when the loss is no number."""
        if not math.isfinite(loss):
            raise TrainingError(f"the validation loss is {loss} at step {step}", fix="lower learning_rate")
        self._add(StepLog(step, self._epoch(step), self._seconds(), validation_loss=loss))
        self._report(due=True)
        warning = overfitting(self.log)
        if warning is not None and not self.warnings:
            self.warn(warning)

    def warn(self, warning: str) -> None:
        """Said now, and kept for the result."""
        self.warnings.append(warning)
        self.say(f"warning: {warning}")

    def _report(self, *, due: bool) -> None:
        progress = self._progress()
        if self.on_progress is not None:
            self.on_progress(progress)
        if due:
            self.last_line = time.monotonic()
            self.say(progress.line)

    def _progress(self) -> Progress:
        step = self.log[-1].step
        done = step - self.first_step
        seconds = self._seconds()
        return Progress(
            step,
            self.steps,
            last_loss(self.log),
            last_validation_loss(self.log),
            (self.steps - step) * seconds / done if done else None,
            self.tokens_per_step * done / seconds if done and seconds else 0.0,
        )

    def _add(self, entry: StepLog) -> None:
        self.log.append(entry)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(entry))
        except OSError as error:
            raise storage_error(error, "writing the training log") from error

    def _seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def _epoch(self, step: int) -> float:
        return round(self.epochs * step / self.steps, 4)


def last_loss(log: list[StepLog]) -> float | None:
    return next((entry.loss for entry in reversed(log) if entry.loss is not None), None)


def last_validation_loss(log: list[StepLog]) -> float | None:
    return next((entry.validation_loss for entry in reversed(log) if entry.validation_loss is not None), None)


def overfitting(log: list[StepLog]) -> str | None:
    """A sentence when validation loss has risen since its best while training loss went on falling, else None."""
    evaluations = [(entry.step, entry.validation_loss) for entry in log if entry.validation_loss is not None]
    if len(evaluations) < 3:
        return None
    best_step, best = min(evaluations, key=lambda item: item[1])
    step, now = evaluations[-1]
    before = [entry.loss for entry in log if entry.loss is not None and entry.step <= best_step]
    since = [entry.loss for entry in log if entry.loss is not None and entry.step > best_step]
    if not before or not since or now <= RISE * best:
        return None
    window = before[-len(since) :]
    fell_from, fell_to = sum(window) / len(window), sum(since) / len(since)
    if fell_to >= fell_from:
        return None
    return (
        f"since step {best_step} the training loss fell from {fell_from:.3f} to {fell_to:.3f} while the validation "
        f"loss rose from {best:.3f} to {now:.3f} (step {step}): the model is memorising. The adapter of step "
        f"{best_step} is kept; fewer epochs, more records or a lower lora_r would help"
    )


def _read_log(path: Path) -> list[StepLog]:
    entries = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            known: dict[str, Any] = json.loads(line)
            entries.append(StepLog(**known))
        except (ValueError, TypeError):
            break
    return entries


def _line(entry: StepLog) -> str:
    return json.dumps({key: value for key, value in dataclasses.asdict(entry).items() if value is not None}) + "\n"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
