"""What is seen of a run while it goes on: its log, a progress line, and warnings in words."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import TrainingError, storage_error
from assay.storage import write_text

from .watching.heartbeat import Heartbeat
from .watching.memory import peak_memory
from .watching.samples import Samples
from .watching.signs import signs
from .watching.steps import StepLog, last_loss, last_validation_loss, read_log

__all__ = ["Progress", "StepLog", "Watch", "clock", "last_loss", "last_validation_loss"]

SECONDS_BETWEEN_LINES = 10.0
LOOKS = 50
"""At the training loss alone, over the run; what an evaluation shows is looked at as well."""


@dataclass(frozen=True, slots=True)
class Progress:
    """For a caller that draws its own progress. seconds_left is None until a step has been timed.

    memory  peak in bytes, of the GPU where there is one; 0 where it is not known
    score   of the answers to the items that select, 0 to 1
    """

    step: int
    steps: int
    loss: float | None
    validation_loss: float | None
    seconds_left: float | None
    tokens_per_second: float
    memory: int = 0
    score: float | None = None

    @property
    def line(self) -> str:
        parts = [f"step {self.step}/{self.steps}"]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        if self.validation_loss is not None:
            parts.append(f"validation {self.validation_loss:.3f}")
        if self.score is not None:
            parts.append(f"score {self.score:.1%}")
        if self.tokens_per_second:
            parts.append(f"{self.tokens_per_second:.0f} tokens/s")
        if self.memory:
            parts.append(f"{self.memory / 2**30:.1f} GB")
        if self.seconds_left is not None:
            parts.append(f"{clock(self.seconds_left)} left")
        return "train: " + "  ".join(parts)


@dataclass
class Watch:
    """Follows one run. The trainer tells it of losses; it keeps the log and speaks.

    tokens_per_step  tokens of the records of a step, without padding, on average
    epochs           of the whole run
    device           whose memory is shown
    heart            says so when nothing happens
    samples          answers to unseen prompts
    """

    path: Path
    steps: int
    epochs: float
    tokens_per_step: float
    learning_rate: float
    say: Callable[[str], None]
    on_progress: Callable[[Progress], None] | None = None
    device: str = "cpu"
    heart: Heartbeat | None = None
    samples: Samples | None = None
    log: list[StepLog] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    first_step: int = 0
    started: float = field(default_factory=time.monotonic)
    last_line: float = 0.0

    def begin(self, resumed_step: int) -> None:
        """Keeps of an earlier log what the checkpoint has behind it, and starts the clock."""
        self.first_step = resumed_step
        self.log = [entry for entry in read_log(self.path) if entry.step <= resumed_step] if resumed_step else []
        write_text(self.path, "".join(entry.line for entry in self.log))
        if self.samples is not None:
            self.samples.begin(resumed_step)
        if self.heart is not None:
            self.heart.start()
        self.started = time.monotonic()

    def end(self) -> None:
        """Whatever ended it."""
        if self.heart is not None:
            self.heart.stop()

    def beat(self) -> None:
        """Something was finished."""
        if self.heart is not None:
            self.heart.beat()

    def trained(self, step: int, loss: float, learning_rate: float | None, grad_norm: float | None) -> None:
        """After each step. Raises TrainingError when the loss is no number."""
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} at step {step} of {self.steps}, so training has broken down",
                fix=f"lower learning_rate (it is {self.learning_rate:g}), or set dtype: float32; the log has each step",
            )
        self._add(StepLog(step, self._epoch(step), self._seconds(), loss, None, learning_rate, grad_norm))
        self._report(due=time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES)
        if step % max(5, self.steps // LOOKS) == 0:
            self._look()

    def validated(self, step: int, loss: float, score: float | None = None) -> None:
        """After each evaluation. score: of generated answers, where they select.

        Raises TrainingError when the loss is no number.
        """
        if not math.isfinite(loss):
            raise TrainingError(f"the validation loss is {loss} at step {step}", fix="lower learning_rate")
        self._add(StepLog(step, self._epoch(step), self._seconds(), validation_loss=loss, score=score))
        self._report(due=True)
        self._look()

    def _look(self) -> None:
        """Says each kind of sign once."""
        for sign in signs(self.log, self.steps, self.learning_rate):
            if sign.kind not in self.seen:
                self.seen.add(sign.kind)
                self.warn(sign.sentence)

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
            peak_memory(self.device),
            next((entry.score for entry in reversed(self.log) if entry.score is not None), None),
        )

    def _add(self, entry: StepLog) -> None:
        self.log.append(entry)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(entry.line)
        except OSError as error:
            raise storage_error(error, "writing the training log") from error

    def _seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def _epoch(self, step: int) -> float:
        return round(self.epochs * step / self.steps, 4)


def clock(seconds: float) -> str:
    """`2 h 5 min`, `3 min 07 s`, `12 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
