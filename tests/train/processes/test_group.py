"""Several processes train what one would have trained, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.train.conftest import COLOURS, make_model

SETTINGS = (
    "train.lora_dropout=0", "train.num_train_epochs=2", "train.effective_batch_size=8", "train.learning_rate=0.003",
    "train.per_device_train_batch_size=2", "train.eval_steps=4", "train.validation=0.2", "train.dtype=float32",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and 48 records of several lengths."""
    folder = tmp_path_factory.mktemp("processes")
    make_model(folder / "model")
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"colour {number} of {'x' * (1 + 7 * number % 20)}?"},
                {"role": "assistant", "content": COLOURS[number % 6] * (1 + number % 3)},
            ]
        }
        for number in range(48)
    ]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def command(out: str, *more: str) -> list[str]:
    given = [sys.executable, "-m", "assay", "train", "data.jsonl", "--model", "model", "-o", out, *SETTINGS, *more]
    return [*given, "--set", f"store={out}-store"]


def assay_train(place: Path, out: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(out, *more), cwd=place, capture_output=True, text=True, timeout=600)


def losses(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line.get("loss", line.get("validation_loss")) for line in lines]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter" / "adapter_model.safetensors"))


@pytest.fixture(scope="module")
def alone(place: Path) -> Path:
    done = assay_train(place, "alone")
    assert done.returncode == 0, done.stderr
    return place / "alone"


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
    checkpoint = "killed-store/runs/*/checkpoints/checkpoint-4"
    manifest = "killed-store/runs/*/manifest.json"
    while not any(place.glob(checkpoint)) or not any(
        "checkpoint-4" in path.read_text(encoding="utf-8") for path in place.glob(manifest)
    ):
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.02)
    os.kill(_second(running.pid), signal.SIGKILL)
    said, _ = running.communicate(timeout=300)
    assert running.returncode != 0
    assert _processes_of(running.pid) == [], said
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


def _processes_of(parent: int) -> list[int]:
    try:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [int(number) for number in found]


def _second(parent: int) -> int:
    """The process that was told to be the second."""
    for process in _processes_of(parent):
        if b"RANK=1\0" in Path(f"/proc/{process}/environ").read_bytes().replace(b"LOCAL_RANK=1\0", b""):
            return process
    raise AssertionError("there is no second process")
