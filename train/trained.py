"""What came of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .progress import StepLog
from .recipe import Recipe
from .watching.advice import Advice


@dataclass(frozen=True)
class Trained:
    """What came of a run.

    log              every step and evaluation; losses in nats a trained token
    best_step        whose adapter was kept: the lowest validation loss, or the last step without validation
    training_loss    of the last step; validation_loss of the step kept
    resumed_from     the step that this process went on from, 0 for a fresh start
    mixture          what was read, drawn and left of general data; None without any
    gradient_ratio   measured over predicted change of the loss before the first step; 1 is right
    score            of the generated answers to the items that selected, 0 to 1, of the step kept; None without
    advice           what to try next: the first, and nothing else with it
    """

    adapter: Path
    recipe: Recipe
    log: tuple[StepLog, ...]
    steps: int
    best_step: int
    training_loss: float
    validation_loss: float | None
    validation_loss_before: float | None
    counts: Mapping[str, int]
    mixture: Mapping[str, Any] | None
    warnings: tuple[str, ...]
    seconds: float
    resumed_from: int
    gradient_ratio: float
    stopped_early: bool
    score: float | None = None
    score_before: float | None = None
    advice: tuple[Advice, ...] = ()

    def __repr__(self) -> str:
        """Without the log, which a notebook would show step by step."""
        before, after = self.validation_loss_before, self.validation_loss
        loss = f"training loss {self.training_loss:.3f}"
        if before is not None and after is not None:
            loss = f"validation loss {before:.3f} before, {after:.3f} after"
        return f"Trained({str(self.adapter)!r}: step {self.best_step} of {self.steps} kept, {loss})"

    def to_json(self) -> dict[str, Any]:
        return {
            "adapter": str(self.adapter),
            "recipe": self.recipe.to_json(),
            "steps": self.steps,
            "best_step": self.best_step,
            "training_loss": self.training_loss,
            "validation_loss": self.validation_loss,
            "validation_loss_before": self.validation_loss_before,
            "counts": dict(self.counts),
            "mixture": None if self.mixture is None else dict(self.mixture),
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 1),
            "resumed_from": self.resumed_from,
            "gradient_ratio": round(self.gradient_ratio, 4),
            "stopped_early": self.stopped_early,
            "score": self.score,
            "score_before": self.score_before,
            "advice": [advice.to_json() for advice in self.advice],
        }
