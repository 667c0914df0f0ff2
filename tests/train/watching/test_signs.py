"""What goes wrong is named in words, and nothing else is."""

from __future__ import annotations

import random

import pytest

from assay.train.watching.signs import divergence, overfitting, signs, stall
from assay.train.watching.steps import StepLog


def curve(training: list[float], validation: dict[int, float] | None = None) -> list[StepLog]:
    known = validation or {}
    log = [StepLog(0, 0, 0, validation_loss=known[0])] if 0 in known else []
    for step, loss in enumerate(training, 1):
        log.append(StepLog(step, 0, 0, loss))
        if step in known:
            log.append(StepLog(step, 0, 0, validation_loss=known[step]))
    return log


def noisy(start: float, end: float, count: int, seed: int, spread: float = 0.3) -> list[float]:
    """From start to end, each loss off by as much as batches of short and of long records differ."""
    draw = random.Random(seed)
    return [(start + (end - start) * n / count) * (1 + spread * draw.uniform(-1, 1)) for n in range(count)]


def test_training_loss_that_falls_while_validation_loss_rises() -> None:
    sign = overfitting(curve([3 / step for step in range(1, 13)], {0: 3.0, 4: 1.0, 8: 1.1, 12: 1.4}))
    assert sign is not None and sign.kind == "overfitting"
    assert sign.sentence.startswith("since step 4 the training loss fell from")
    assert "validation loss rose from 1.000 to 1.400 (step 12): the model is memorising" in sign.sentence
    assert "The adapter of step 4 is kept" in sign.sentence


@pytest.mark.parametrize(
    ("training", "validation"),
    [
        ([3 / step for step in range(1, 13)], {0: 3.0, 4: 1.0, 8: 0.9, 12: 0.8}),
        ([3 / step for step in range(1, 13)], {0: 3.0, 4: 1.0, 8: 0.995, 12: 1.0}),
        ([1.0] * 4 + [2.0] * 8, {0: 3.0, 4: 1.0, 8: 1.5, 12: 2.0}),
        ([1.0] * 4, {0: 3.0, 4: 3.5}),
    ],
    ids=["both fall", "a wobble", "both rise", "too early to tell"],
)
def test_no_overfitting_is_said_otherwise(training: list[float], validation: dict[int, float]) -> None:
    assert overfitting(curve(training, validation)) is None


def test_a_training_loss_that_climbs_above_its_start_diverges() -> None:
    losses = [*noisy(2.0, 1.0, 30, 0), *noisy(1.0, 6.0, 20, 1)]
    sign = divergence(curve(losses), 2e-3)
    assert sign is not None and sign.kind == "divergence"
    assert "training diverges" in sign.sentence and "learning_rate (0.002)" in sign.sentence


def test_losses_that_do_not_move_stall() -> None:
    sign = stall(curve(noisy(2.0, 2.0, 40, 3), {0: 2.0, 20: 1.99, 40: 1.995}), 100, 1e-7)
    assert sign is not None and sign.kind == "stall"
    assert "neither loss falls: the validation loss was 2.000 before training and is 1.995 after 40" in sign.sentence
    assert "learning_rate (1e-07)" in sign.sentence
    assert stall(curve(noisy(2.0, 2.0, 40, 3), {0: 2.0, 20: 1.9, 40: 1.8}), 100, 1e-7) is None
    assert stall(curve(noisy(2.0, 2.0, 19, 3), {0: 2.0, 9: 2.0, 19: 2.0}), 20, 1e-7) is None


def test_without_validation_a_stall_takes_more_evidence() -> None:
    sign = stall(curve(noisy(2.0, 2.0, 40, 3, spread=0.02)), 100, 1e-7)
    assert sign is not None and "the training loss does not fall: " in sign.sentence
    assert stall(curve(noisy(2.0, 2.0, 40, 3)), 100, 1e-7) is None


@pytest.mark.parametrize("seed", range(40))
def test_of_a_healthy_noisy_run_nothing_is_said_at_any_step(seed: int) -> None:
    losses = noisy(2.0, 0.8, 100, seed)
    for log in (curve(losses, {20 * n: 2.1 - 0.2 * n for n in range(6)}), curve(losses)):
        assert [sign for end in range(5, len(log), 5) for sign in signs(log[:end], 100, 2e-4)] == []


def test_a_run_that_has_learned_and_levelled_off_does_not_stall() -> None:
    losses = [*noisy(2.0, 0.5, 30, 5), *noisy(0.5, 0.5, 70, 6)]
    assert stall(curve(losses), 100, 2e-4) is None
