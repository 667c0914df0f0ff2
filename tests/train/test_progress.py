"""What a run says while it goes on, and what it says in words when it goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.errors import TrainingError
from assay.train.progress import Progress, Watch


def watch(path: Path, said: list[str], steps: int = 100) -> Watch:
    return Watch(path, steps, 2.0, 1000.0, 2e-4, said.append)


def test_a_line_has_step_losses_speed_memory_and_time_left() -> None:
    line = Progress(30, 120, 0.5, 0.75, 125.0, 812.3, 3 * 2**29, 0.42).line
    assert line == (
        "train: step 30/120  loss 0.500  validation 0.750  score 42.0%  812 tokens/s  1.5 GB  2 min 05 s left"
    )


def test_the_memory_of_this_process_is_in_the_line(tmp_path: Path) -> None:
    seen: list[Progress] = []
    follows = Watch(tmp_path / "log.jsonl", 10, 1.0, 10.0, 1e-4, lambda _: None, seen.append)
    follows.begin(0)
    follows.trained(1, 1.0, None, None)
    assert 10 * 2**20 < seen[0].memory < 2**40


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


def test_divergence_is_said_before_any_evaluation(tmp_path: Path) -> None:
    said: list[str] = []
    seen = watch(tmp_path / "log.jsonl", said)
    seen.begin(0)
    for step in range(1, 41):
        seen.trained(step, 1.0 if step < 20 else step / 4, None, None)
    assert next(line for line in said if "training diverges" in line).startswith("warning: the training loss rose")


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
