"""Two processes that hold a share of the model each train what one would have trained, and save all of it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from assay.errors import SettingsError
from assay.train.processes import sharding
from assay.train.processes.launch import Launch, write_config
from assay.train.processes.sharding import SETTINGS, check_accelerate, environment
from tests.train.processes.conftest import assay_train, at_checkpoint, command, losses, second_process, weights

SHARED = ("--processes", "2", "--strategy", "fsdp")


def test_a_sharded_run_that_was_killed_ends_as_one_process_does_with_the_adapter_whole(
    place: Path, alone: Path
) -> None:
    arguments = command("shared", *SHARED)
    running = subprocess.Popen(arguments, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    checkpoint = at_checkpoint(place, "shared", running)
    whole = {name: tuple(tensor.shape) for name, tensor in weights(alone).items()}
    assert _shapes_of_checkpoint(checkpoint).items() >= whole.items()
    os.kill(second_process(running.pid), signal.SIGKILL)
    said, _ = running.communicate(timeout=300)
    assert running.returncode != 0
    assert "a share of the model in each process" in said
    again = subprocess.run(arguments, cwd=place, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0, again.stderr
    assert "going on from step" in again.stderr
    assert losses(place / "shared") == pytest.approx(losses(alone), abs=1e-5)
    ours, theirs = weights(place / "shared"), weights(alone)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert (tensor - theirs[name]).abs().max() < 1e-4, name


def _shapes_of_checkpoint(folder: Path) -> dict[str, tuple[int, ...]]:
    """Of the adapter in it, whose file is one that FSDP alone writes."""
    import torch

    saved = torch.load(folder / "pytorch_model_fsdp.bin", weights_only=True)
    return {name.replace(".default", ""): tuple(tensor.shape) for name, tensor in saved.items()}


def test_a_checkpoint_of_another_strategy_is_set_aside(place: Path) -> None:
    arguments = command("changed", "--processes", "2")
    running = subprocess.Popen(arguments, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    at_checkpoint(place, "changed", running)
    os.kill(second_process(running.pid), signal.SIGKILL)
    running.communicate(timeout=300)
    done = assay_train(place, "changed", *SHARED)
    assert done.returncode == 0, done.stderr
    assert "is not used: it was saved without --strategy fsdp" in done.stderr
    assert "going on from step" not in done.stderr


def test_what_accelerates_launcher_would_tell_the_processes_is_what_ours_does(tmp_path: Path) -> None:
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_multi_gpu_env

    write_config(Launch("fsdp", 2, "float32", on_gpu=True), tmp_path / "accelerate.yaml")
    arguments = launch_command_parser().parse_args(["--config_file", str(tmp_path / "accelerate.yaml"), "x.py"])
    arguments, *_ = _validate_launch_command(arguments)
    told = prepare_multi_gpu_env(arguments)
    ours = environment()
    assert len(ours) == len(SETTINGS) + 1
    assert {name: told[name].lower() for name in ours} == {name: value.lower() for name, value in ours.items()}


def test_accelerate_that_saves_a_part_of_the_adapter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_accelerate()
    monkeypatch.setattr("accelerate.__version__", "1.14.0")
    with pytest.raises(SettingsError, match=r"1\.14\.0 saves a part of a sharded adapter.*; pip install"):
        check_accelerate()
    assert sharding.NEEDED == (1, 15)


def test_a_start_that_is_saved_as_a_difference_is_refused_before_anything_starts(place: Path) -> None:
    done = assay_train(place, "wrong", *SHARED, "train.init_lora_weights=pissa", "train.load_in_4bit=false")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "is not offered with --strategy fsdp; --strategy ddp" in done.stderr
    assert not (place / "wrong").exists()
