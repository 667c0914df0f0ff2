"""A run that was killed goes on where it was, from its own checkpoints alone, and ends as an undisturbed one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.dataset import Dataset
from assay.records import Message
from assay.runs import Run, sources_digest
from assay.train.checkpoints import Checkpoints
from assay.train.trained import Trained

Make = Callable[..., Dataset]
Train = Callable[..., Trained]

KILLED_AT = 14
KILL = """
import json, os, signal, sys
from pathlib import Path
from assay.chat import load_target
from assay.dataset import Dataset
from assay.train.settings import TrainSettings
from assay.train.stage import train

model, data, out, more, step = sys.argv[1:]

def kill(progress):
    if progress.step == int(step):
        os.kill(os.getpid(), signal.SIGKILL)

settings = TrainSettings(**{"load_in_4bit": False, "dtype": "float32", "device": "cpu", "learning_rate": 5e-3,
                            "num_train_epochs": 4, "effective_batch_size": 8, "eval_steps": 5,
                            "early_stopping_patience": 0, **json.loads(more)})
target = load_target(model, offline=True)
train(Dataset.read_parquet(Path(data)), settings, Path(out), target, target.ref, on_progress=kill)
"""
SETTINGS = {"num_train_epochs": 4, "eval_steps": 5, "early_stopping_patience": 0}


def losses(run: Trained) -> list[float]:
    return [entry.loss for entry in run.log if entry.loss is not None]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="float32"),
        pytest.param({"load_in_4bit": True}, id="nf4"),
        pytest.param({"packing": True, "loraplus_lr_ratio": 4.0, "use_dora": True}, id="packed-loraplus-dora"),
        pytest.param({"neftune_noise_alpha": 5.0, "init_lora_weights": "pissa_niter_4"}, id="neftune-pissa"),
    ],
)
def test_a_run_killed_with_signal_9_ends_as_an_undisturbed_one(
    more: dict[str, Any], train_tiny: Train, make_colours: Make, model_folder: Path, tmp_path: Path
) -> None:
    data = make_colours(40, 10)
    data.write_parquet(tmp_path / "data.parquet")
    out = tmp_path / "killed"
    arguments = [str(model_folder), str(tmp_path / "data.parquet"), str(out), json.dumps(more), str(KILLED_AT)]
    sources_digest.cache_clear()  # an edit since this process started would make it another run
    done = subprocess.run([sys.executable, "-c", KILL, *arguments], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert json.loads((out / "manifest.json").read_text())["outcome"] == "running"
    assert not (out / "adapter").exists()

    resumed = train_tiny(data, out, **SETTINGS, **more)
    undisturbed = train_tiny(data, tmp_path / "undisturbed", **SETTINGS, **more)
    assert resumed.resumed_from == 10
    assert undisturbed.resumed_from == 0
    assert len(losses(resumed)) == len(losses(undisturbed)) == 20
    assert losses(resumed) == pytest.approx(losses(undisturbed), abs=1e-3)
    assert resumed.validation_loss == pytest.approx(undisturbed.validation_loss, abs=1e-3)
    assert resumed.best_step == undisturbed.best_step


def test_ctrl_c_keeps_the_step_it_was_in(train_tiny: Train, make_colours: Make, tmp_path: Path) -> None:
    data = make_colours(40, 10)

    def press(progress: object) -> None:
        if getattr(progress, "step", 0) == KILLED_AT - 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train_tiny(data, tmp_path / "stopped", press, **SETTINGS)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = train_tiny(data, tmp_path / "stopped", **SETTINGS)
    undisturbed = train_tiny(data, tmp_path / "undisturbed", **SETTINGS)
    assert (resumed.resumed_from, undisturbed.resumed_from) == (KILLED_AT, 0)
    assert losses(resumed) == pytest.approx(losses(undisturbed), abs=1e-3)
    assert (resumed.validation_loss, resumed.best_step) == (
        pytest.approx(undisturbed.validation_loss, abs=1e-3), undisturbed.best_step,
    )  # fmt: skip


def test_a_second_ctrl_c_stops_at_once(train_tiny: Train, make_colours: Make, tmp_path: Path) -> None:
    def press(progress: object) -> None:
        if getattr(progress, "step", 0) == KILLED_AT:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    data = make_colours(40, 10)
    with pytest.raises(KeyboardInterrupt):
        train_tiny(data, tmp_path, press, **SETTINGS)
    assert train_tiny(data, tmp_path, **SETTINGS).resumed_from == 10


class Killed(BaseException):
    """Passes through everything, like a signal."""


def interrupted(train_tiny: Train, data: Dataset, out: Path) -> None:
    def stop(progress: object) -> None:
        if getattr(progress, "step", 0) == KILLED_AT:
            raise Killed

    with pytest.raises(Killed):
        train_tiny(data, out, stop, **SETTINGS)


def test_a_checkpoint_that_was_changed_is_not_resumed(train_tiny: Train, make_colours: Make, tmp_path: Path) -> None:
    data = make_colours(40, 10)
    interrupted(train_tiny, data, tmp_path)
    assert {path.name for path in (tmp_path / "checkpoints").glob("checkpoint-*")} == {"checkpoint-5", "checkpoint-10"}
    (tmp_path / "checkpoints" / "checkpoint-10" / "optimizer.pt").write_bytes(b"a pickle from elsewhere")
    assert train_tiny(data, tmp_path, **SETTINGS).resumed_from == 5


def test_other_settings_do_not_go_on_from_these_checkpoints(
    train_tiny: Train, make_colours: Make, tmp_path: Path
) -> None:
    data = make_colours(40, 10)
    interrupted(train_tiny, data, tmp_path)
    again = train_tiny(data, tmp_path, **(SETTINGS | {"learning_rate": 1e-3, "num_train_epochs": 1}))
    assert (again.resumed_from, again.steps) == (0, 5)


def run_in(folder: Path) -> Run:
    return Run("train", "digest", folder, {}, {}, (), False)


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / "checkpoints" / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "optimizer.pt").write_bytes(b"state")
    return path


def test_only_a_checkpoint_that_the_manifest_lists_is_resumed(tmp_path: Path) -> None:
    said: list[str] = []
    checkpoints = Checkpoints(run_in(tmp_path))
    listed, half = checkpoint(tmp_path, 5), checkpoint(tmp_path, 10)
    checkpoints.record(5)
    assert checkpoints.latest(said.append) == listed
    assert said == ["note: checkpoint-10 is not used: the manifest does not list it, so it was not finished"]
    assert not half.exists()
    assert (tmp_path / "checkpoints" / "ignored-checkpoint-10").is_dir()


@pytest.mark.parametrize("change", ["another", "missing", "extra"])
def test_a_listed_checkpoint_with_other_files_is_set_aside(tmp_path: Path, change: str) -> None:
    said: list[str] = []
    checkpoints = Checkpoints(run_in(tmp_path))
    path = checkpoint(tmp_path, 5)
    checkpoints.record(5)
    if change == "another":
        (path / "optimizer.pt").write_bytes(b"other")
    elif change == "missing":
        (path / "optimizer.pt").unlink()
    else:
        (path / "extra.pt").write_bytes(b"code")
    assert checkpoints.latest(said.append) is None
    assert "is not what was saved" in said[0]


def test_the_list_survives_in_the_manifest(tmp_path: Path) -> None:
    checkpoint(tmp_path, 5)
    Checkpoints(run_in(tmp_path)).record(5)
    facts = json.loads((tmp_path / "manifest.json").read_text())["facts"]
    assert set(facts["checkpoints"]["checkpoint-5"]) == {"optimizer.pt"}


def turning(make_colours: Make) -> Dataset:
    """Validation records whose answers contradict what training teaches: the best step is an early one."""
    records = []
    for index, record in enumerate(make_colours(16, 6).records()):
        answer = Message("assistant", "blue" if record.split == "train" else ("zq", "xv", "jk")[index % 3])
        records.append(record.with_messages([record.messages[0], answer]))
    return Dataset.from_records(records)


TURNING = {"num_train_epochs": 12, "eval_steps": 4, "early_stopping_patience": 0}


def adapter_of(run: Trained) -> bytes:
    return (run.adapter / "adapter_model.safetensors").read_bytes()


def killed_while_saving(
    train_tiny: Train, data: Dataset, out: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> None:
    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("assay.train.stage.save_adapter", kill)
        train_tiny(data, out, **settings)


def test_the_best_adapter_is_kept_where_the_run_was_moved_after_it_was_killed(
    train_tiny: Train, make_colours: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer notes where its best checkpoint lies, and takes the last one, in silence, where it is not there."""
    data = turning(make_colours)
    undisturbed = train_tiny(data, tmp_path / "undisturbed", **TURNING)
    assert undisturbed.best_step < undisturbed.steps
    killed_while_saving(train_tiny, data, tmp_path / "killed", monkeypatch, **TURNING)
    (tmp_path / "killed").rename(tmp_path / "moved")
    resumed = train_tiny(data, tmp_path / "moved", **TURNING)
    assert (resumed.resumed_from, resumed.best_step) == (undisturbed.steps, undisturbed.best_step)
    assert adapter_of(resumed) == adapter_of(undisturbed)


def test_a_checkpoint_is_not_resumed_when_the_best_one_before_it_was_changed(
    train_tiny: Train, make_colours: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = turning(make_colours)
    undisturbed = train_tiny(data, tmp_path / "undisturbed", **TURNING)
    killed_while_saving(train_tiny, data, tmp_path / "killed", monkeypatch, **TURNING)
    best = tmp_path / "killed" / "checkpoints" / f"checkpoint-{undisturbed.best_step}"
    (best / "adapter_model.safetensors").write_bytes(b"damaged")
    resumed = train_tiny(data, tmp_path / "killed", **TURNING)
    assert (resumed.resumed_from, resumed.best_step) == (0, undisturbed.best_step)
    assert adapter_of(resumed) == adapter_of(undisturbed)


def test_a_run_that_early_stopping_had_ended_does_not_go_on(
    train_tiny: Train, make_colours: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TURNING | {"early_stopping_patience": 2}
    data = turning(make_colours)
    undisturbed = train_tiny(data, tmp_path / "undisturbed", **settings)
    assert undisturbed.stopped_early
    killed_while_saving(train_tiny, data, tmp_path / "killed", monkeypatch, **settings)
    resumed = train_tiny(data, tmp_path / "killed", **settings)
    assert (resumed.resumed_from, resumed.steps) == (undisturbed.steps, undisturbed.steps)
    assert (resumed.best_step, resumed.stopped_early) == (undisturbed.best_step, True)
    assert losses(resumed) == losses(undisturbed)
    assert adapter_of(resumed) == adapter_of(undisturbed)


@pytest.mark.parametrize(("best", "left"), [(5, {5, 20}), (20, {15, 20}), (None, {15, 20}), (15, {15, 20})])
def test_older_checkpoints_go_once_the_new_one_is_listed(tmp_path: Path, best: int | None, left: set[int]) -> None:
    """Killed before, the run goes on from the one before; whatever was best is there."""
    there: list[set[str]] = []

    class Watched(Run):
        def write_manifest(self, outcome: str, error: str | None = None) -> None:
            there.append({path.name for path in (tmp_path / "checkpoints").iterdir()})
            super().write_manifest(outcome, error)

    checkpoints = Checkpoints(Watched("train", "digest", tmp_path, {}, {}, (), False))
    for step in (5, 10, 15, 20):
        checkpoint(tmp_path, step)
    checkpoints.record(20, best)
    assert there == [{"checkpoint-5", "checkpoint-10", "checkpoint-15", "checkpoint-20"}]
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {f"checkpoint-{step}" for step in left}


def test_a_run_is_done_before_its_checkpoints_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between, it would be trained a second time."""

    def kill(*_: object, **__: object) -> None:
        raise Killed

    checkpoint(tmp_path, 5)
    checkpoints = Checkpoints(run_in(tmp_path))
    checkpoints.record(5)
    monkeypatch.setattr("assay.train.checkpoints.shutil.rmtree", kill)
    with pytest.raises(Killed):
        checkpoints.clear()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["outcome"] == "done" and "checkpoints" not in manifest["facts"]
