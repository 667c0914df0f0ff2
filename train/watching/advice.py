"""What to try next, one thing at a time, and on what evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .steps import StepLog, scores, training_losses, validation_losses

LEAST_RANK = 4
MOST_RANK = 256
STILL_FALLING = 0.02
"""A share of the validation loss: what the last interval between evaluations gained, for more epochs to be worth it."""

ONE_ANSWER = 3
"""So many different prompts that get the same answer are no chance."""


@dataclass(frozen=True)
class Advice:
    """One setting of training to change, and nothing else: two changes at once tell nothing about either.

    now, then  its value in this run, and in the next
    """

    setting: str
    now: float
    then: float
    because: str

    @property
    def line(self) -> str:
        return f"train.{self.setting}={self.then:g} (now {self.now:g}): {self.because}"

    def to_json(self) -> dict[str, Any]:
        return {"setting": self.setting, "now": self.now, "then": self.then, "because": self.because}


@dataclass(frozen=True)
class Facts:
    """What a run has shown.

    signs     kinds of what went wrong, as in `signs.Sign`
    answers   to a few unseen prompts by the adapter that is kept, and references their answers in the data
    items     that each score is of, 0 where none is taken
    curated   the data went through `assay curate`
    """

    log: Sequence[StepLog]
    best_step: int
    steps: int
    epochs: float
    learning_rate: float
    lora_r: int
    lora_alpha: int
    signs: Collection[str]
    answers: Sequence[str] = ()
    references: Sequence[str] = ()
    items: int = 0
    curated: bool = False


def advise(facts: Facts) -> tuple[Advice, ...]:
    """The first is the one to try; the others are for after it. Empty where the run shows nothing to change."""
    found: dict[str, Advice] = {}
    for advice in _all(facts):
        found.setdefault(advice.setting, advice)
    return tuple(found.values())


def _all(facts: Facts) -> Iterator[Advice]:
    """The gravest first: what broke, what was too much, what was too little."""
    if "divergence" in facts.signs:
        yield Advice("learning_rate", facts.learning_rate, facts.learning_rate / 3, "the training loss rose")
        return
    if "stall" in facts.signs:
        yield Advice("learning_rate", facts.learning_rate, 3 * facts.learning_rate, "the training loss did not fall")
        return
    yield from _eager(facts)
    yield from _turned(facts)
    yield from _flat(facts)
    yield from _falling(facts)


def _eager(facts: Facts) -> Iterator[Advice]:
    """It answers different prompts with one answer, where the data does not."""
    answers = [answer.strip() for answer in facts.answers]
    if len(answers) < ONE_ANSWER or len(set(answers)) > 1:
        return
    if len({reference.strip() for reference in facts.references}) == 1 or facts.lora_alpha <= 1:
        return
    yield Advice(
        "lora_alpha", facts.lora_alpha, max(1, facts.lora_alpha // 2),
        f"all {len(answers)} unseen prompts got one answer, and their references differ: the adapter is too eager",
    )  # fmt: skip


def _turned(facts: Facts) -> Iterator[Advice]:
    """Validation turned: fewer epochs while there are some to spare, then a lower rank."""
    losses = dict(validation_losses(facts.log))
    if "overfitting" not in facts.signs or facts.best_step not in losses:
        return
    last = max(losses)
    because = (
        f"the validation loss was lowest at step {facts.best_step} of {facts.steps} ({losses[facts.best_step]:.3f}) "
        f"and rose to {losses[last]:.3f}"
    )
    epochs = max(1.0, round(2 * facts.epochs * facts.best_step / facts.steps) / 2)
    if epochs < facts.epochs:
        yield Advice("num_train_epochs", facts.epochs, epochs, because)
    if facts.lora_r > LEAST_RANK:
        yield Advice("lora_r", facts.lora_r, max(LEAST_RANK, facts.lora_r // 2), because)


def _flat(facts: Facts) -> Iterator[Advice]:
    """The training loss fell, the scores did not follow, and the data is not to blame: the adapter holds too little."""
    known = [score for _, score in scores(facts.log)]
    losses = [loss for _, loss in training_losses(facts.log)]
    if len(known) < 2 or not facts.items or len(losses) < 2 or losses[-1] > 0.8 * losses[0]:
        return
    error = (2 * max(known[0] * (1 - known[0]), 0.01) / facts.items) ** 0.5
    if max(known) - known[0] > error or not facts.curated or facts.lora_r >= MOST_RANK:
        return
    yield Advice(
        "lora_r", facts.lora_r, 2 * facts.lora_r,
        f"the score stayed flat ({known[0]:.1%} before, {max(known):.1%} at best of {facts.items} items) while the "
        f"training loss fell from {losses[0]:.3f} to {losses[-1]:.3f}, and the data is curated",
    )  # fmt: skip


def _falling(facts: Facts) -> Iterator[Advice]:
    losses = validation_losses(facts.log)
    if len(losses) < 2 or facts.steps <= 0:
        return
    (_, before), (step, now) = losses[-2:]
    if step != facts.best_step or now != min(loss for _, loss in losses) or before - now < STILL_FALLING * now:
        return
    yield Advice(
        "num_train_epochs", facts.epochs, facts.epochs + 1,
        f"the validation loss was still falling when training ended, from {before:.3f} to {now:.3f}",
    )  # fmt: skip
