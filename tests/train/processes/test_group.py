"""Several processes train what one would have trained, and end together."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.train.processes.conftest import (
    assay_train,
    at_checkpoint,
    command,
    losses,
    processes_of,
    second_process,
    weights,
)


def test_two_processes_have_the_losses_and_the_adapter_of_one(place: Path, alone: Path) -> None:
    done = assay_train(place, "two", "--processes", "2")
    assert done.returncode == 0, done.stderr
    assert losses(place / "two") == pytest.approx(losses(alone), abs=1e-5)
    ours, theirs = weights(place / "two"), weights(alone)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert (tensor - theirs[name]).abs().max() < 1e-4, name
    assert done.stdout.count("adapter  two/adapter") == 1, "the second process says nothing"


def test_a_killed_process_ends_the_others_and_the_same_command_goes_on(place: Path, alone: Path) -> None:
    arguments = command("killed", "--processes", "2")
    running = subprocess.Popen(arguments, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    at_checkpoint(place, "killed", running)
    os.kill(second_process(running.pid), signal.SIGKILL)
    said, _ = running.communicate(timeout=300)
    assert running.returncode != 0
    assert processes_of(running.pid) == [], said
    again = subprocess.run(arguments, cwd=place, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0, again.stderr
    assert "going on from step" in again.stderr
    assert losses(place / "killed") == pytest.approx(losses(alone), abs=1e-5)


def test_settings_that_cannot_be_meant_are_one_line_of_the_first_process(place: Path) -> None:
    done = assay_train(place, "wrong", "--processes", "2", "train.effective_batch_size=7")
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.startswith("assay:")]
    assert len(told) == 1 and "7" in told[0], done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "wrong").exists(), "a command that was refused leaves nothing"
