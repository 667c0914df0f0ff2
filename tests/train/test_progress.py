"""What a run says while it goes on, and what it says in words when it goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.errors import TrainingError
from assay.train.progress import Progress, StepLog, Watch, overfitting


def watch(path: Path, said: list[str], steps: int = 100) -> Watch:
    return Watch(path, steps, 2.0, 1000.0, 2e-4, said.append)


def curve(training: list[float], validation: dict[int, float]) -> list[StepLog]:
    log = [StepLog(0, 0, 0, validation_loss=validation[0])] if 0 in validation else []
    for step, loss in enumerate(training, 1):
        log.append(StepLog(step, 0, 0, loss))
        if step in validation:
            log.append(StepLog(step, 0, 0, validation_loss=validation[step]))
    return log


def test_a_line_has_step_losses_speed_and_time_left() -> None:
    line = Progress(30, 120, 0.5, 0.75, 125.0, 812.3).line
    assert line == "train: step 30/120  loss 0.500  validation 0.750  812 tokens/s  2 min 05 s left"


def test_every_step_is_in_the_log_and_lines_are_few(tmp_path: Path) -> None:
    said: list[str] = []
    seen = watch(tmp_path / "log.jsonl", said)
    seen.begin(0)
    for step in range(1, 101):
        seen.trained(step, 1 / step, 1e-4, 1.0)
    seen.validated(100, 0.5)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in entries] == [*range(1, 101), 100]
    assert entries[49]["epoch"] == 1.0
    assert 1 <= len(said) < 5


def test_a_resumed_run_keeps_the_log_up_to_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    first = watch(path, [])
    first.begin(0)
    for step in range(1, 8):
        first.trained(step, 1.0, None, None)
    path.open("a").write('{"step": 8, "lo')
    again = watch(path, [])
    again.begin(5)
    again.trained(6, 0.5, None, None)
    assert [(entry.step, entry.loss) for entry in again.log] == [*((step, 1.0) for step in range(1, 6)), (6, 0.5)]
    assert len(path.read_text().splitlines()) == 6


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, loss: float) -> None:
    seen = watch(tmp_path / "log.jsonl", [])
    with pytest.raises(TrainingError, match=r"at step 3 of 100, so training has broken down; lower learning_rate"):
        seen.trained(3, loss, None, None)
    with pytest.raises(TrainingError, match="validation loss is"):
        seen.validated(3, loss)


def test_training_loss_that_falls_while_validation_loss_rises_is_said_in_words() -> None:
    warning = overfitting(curve([3 / step for step in range(1, 13)], {0: 3.0, 4: 1.0, 8: 1.1, 12: 1.4}))
    assert warning is not None
    assert warning.startswith("since step 4 the training loss fell from")
    assert "validation loss rose from 1.000 to 1.400 (step 12): the model is memorising" in warning
    assert "The adapter of step 4 is kept" in warning


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
def test_nothing_is_said_otherwise(training: list[float], validation: dict[int, float]) -> None:
    assert overfitting(curve(training, validation)) is None


def test_a_warning_is_given_once(tmp_path: Path) -> None:
    said: list[str] = []
    seen = watch(tmp_path / "log.jsonl", said)
    seen.begin(0)
    for step in range(1, 13):
        seen.trained(step, 3 / step, None, None)
        if step % 2 == 0:
            seen.validated(step, 1.0 + step / 10)
    assert len(seen.warnings) == 1
    assert sum(line.startswith("warning: ") for line in said) == 1
