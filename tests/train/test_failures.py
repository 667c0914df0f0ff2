"""A full disk is one line, and what was saved before it is not lost."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from assay.dataset import Dataset
from assay.errors import StorageError
from assay.runs import sources_digest
from assay.train.failures import enough_room, storage_failures
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.train.trained import Trained

FULL = """
import resource, sys
from pathlib import Path
from assay.chat import load_target
from assay.dataset import Dataset
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.errors import AssayError

model, data, out, step, limit = sys.argv[1:]

def fill(progress):
    if progress.step == int(step):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))

settings = TrainSettings(load_in_4bit=False, dtype="float32", device="cpu", learning_rate=5e-3, num_train_epochs=4,
                         effective_batch_size=8, eval_steps=5, early_stopping_patience=0)
target = load_target(model, offline=True)
try:
    train(Dataset.read_parquet(Path(data)), settings, Path(out), target, target.ref, on_progress=fill)
except AssayError as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_fills_up_is_one_line_and_the_same_command_goes_on(
    train_tiny: Callable[..., Trained], make_colours: Callable[..., Dataset], model_folder: Path, tmp_path: Path
) -> None:
    """The limit is the system's own on the size of a file, so that every write beyond it fails as a full disk does."""
    data = make_colours(40, 10)
    data.write_parquet(tmp_path / "data.parquet")
    out = tmp_path / "out"
    arguments = [str(model_folder), str(tmp_path / "data.parquet"), str(out), "8", "60000"]
    sources_digest.cache_clear()  # an edit since this process started would make it another run
    done = subprocess.run([sys.executable, "-c", FULL, *arguments], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 1 and lines[0].startswith("StorageError "), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (out / "adapter").exists()
    assert not list(out.glob(".*.tmp"))
    facts = json.loads((out / "manifest.json").read_text())["facts"]
    listed = max(int(name.rpartition("-")[2]) for name in facts["checkpoints"])

    again = train_tiny(data, out, num_train_epochs=4, eval_steps=5, early_stopping_patience=0)
    assert again.resumed_from == listed == 5
    assert (out / "adapter" / "adapter_model.safetensors").is_file()


def test_too_little_room_is_said_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"checkpoints need \d+ MB, and \d+ MB are free"):
        enough_room(tmp_path, 10**14)
    enough_room(tmp_path, 1000)


def test_what_is_needed_is_more_than_what_is_free_as_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk of a size that no machine can be told to have: 1.6 MB free for 1.7."""
    room = shutil.disk_usage(tmp_path)._replace(free=int(1.6 * 2**20))
    monkeypatch.setattr("assay.train.failures.shutil.disk_usage", lambda _: room)
    with pytest.raises(StorageError, match="checkpoints need 2 MB, and 1 MB are free"):
        enough_room(tmp_path, int(1.7 * 2**20 / 36))


def test_too_little_room_is_said_before_weights_are_read(
    model_folder: Path, make_colours: Callable[..., Dataset], tmp_path: Path
) -> None:
    """The model has none: whatever read them would fail."""
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    settings = TrainSettings(device="cpu", lora_r=10**9)
    with pytest.raises(StorageError, match=r"checkpoints need \d+ MB, and \d+ MB are free"):
        train(make_colours(8), settings, tmp_path / "out", str(folder))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "checkpoint-5/optimizer.pt"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
        RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_what_libraries_say_of_a_full_disk_becomes_one_line(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the disk is full"), storage_failures(tmp_path):
        raise error


def test_other_failures_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shapes"), storage_failures(tmp_path):
        raise RuntimeError("shapes do not match")
