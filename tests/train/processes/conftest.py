"""A model, 48 records, what one process makes of them, and the commands that start several."""

from __future__ import annotations

import json
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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def alone(place: Path) -> Path:
    done = assay_train(place, "alone")
    assert done.returncode == 0, done.stderr
    return place / "alone"


def at_checkpoint(place: Path, out: str, running: subprocess.Popen[str]) -> Path:
    """Waits until the manifest lists the checkpoint of step 4, and gives it."""
    while True:
        for manifest in place.glob(f"{out}-store/runs/*/manifest.json"):
            if "checkpoint-4" in manifest.read_text(encoding="utf-8"):
                return manifest.parent / "checkpoints" / "checkpoint-4"
        assert running.poll() is None, running.communicate()[0]
        time.sleep(0.02)


def processes_of(parent: int) -> list[int]:
    try:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [int(number) for number in found]


def second_process(parent: int) -> int:
    """The process that was told to be the second."""
    for process in processes_of(parent):
        if b"RANK=1\0" in Path(f"/proc/{process}/environ").read_bytes().replace(b"LOCAL_RANK=1\0", b""):
            return process
    raise AssertionError("there is no second process")
