"""Trackers: none without being asked for, one line where one is missing, and nothing but numbers and settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from trl.trainer.utils import get_trackio_space_url

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import MissingExtraError, TrainingError
from assay.train.prepared import prepare
from assay.train.settings import TrainSettings
from assay.train.trained import Trained
from assay.train.watching.trackers import (
    NOT_SENT,
    PACKAGES,
    check_trackers,
    place_trackers,
    tracker_failures,
    trackers,
)


def test_several_are_named_in_a_list_and_none_is_none() -> None:
    assert trackers("wandb, tensorboard") == ["wandb", "tensorboard"]
    assert trackers("none") == [] == trackers("")


def test_a_missing_package_is_one_line_before_any_weights(
    make_colours: Callable[..., Dataset], target: ChatTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKAGES, "wandb", "a_package_that_is_not_there")
    with pytest.raises(MissingExtraError) as caught:
        prepare(make_colours(8, 2), TrainSettings(device="cpu", report_to="wandb"), target)
    assert str(caught.value) == (
        "report_to: wandb needs the package a_package_that_is_not_there, which is not installed; "
        "pip install a_package_that_is_not_there"
    )
    check_trackers("none")


def test_without_report_to_the_environment_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    place_trackers("none", tmp_path)
    assert dict(os.environ) == before


def test_they_write_beside_the_run_and_tell_their_makers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TENSORBOARD_LOGGING_DIR", "WANDB_PROJECT", "WANDB_DIR", "MLFLOW_EXPERIMENT_NAME", *NOT_SENT):
        monkeypatch.setenv(name, "x")  # so that it is put back after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    place_trackers("wandb", tmp_path)
    assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "tensorboard")
    assert os.environ["WANDB_PROJECT"] == "mine"
    assert all(os.environ[name] == value for name, value in NOT_SENT.items())


def test_what_a_tracker_raises_is_one_line_and_what_else_is_raised_stays() -> None:
    broken = type("UsageError", (Exception,), {"__module__": "wandb.errors"})
    with (
        pytest.raises(TrainingError, match=r"wandb failed: api_key not configured; mend it"),
        tracker_failures("wandb"),
    ):
        raise broken("api_key not configured\nmore")
    with pytest.raises(ValueError, match="other"), tracker_failures("wandb"):
        raise ValueError("other")


def test_tensorboard_gets_every_loss_and_no_text_of_a_record(
    make_colours: Callable[..., Dataset], train_tiny: Callable[..., Trained], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train_tiny(make_colours(16, 4), tmp_path, report_to="tensorboard", num_train_epochs=1, eval_steps=1)
    (events,) = (tmp_path / "tensorboard").iterdir()
    assert b"thing" not in events.read_bytes()
    found = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    losses = [entry.loss for entry in run.log if entry.loss is not None]
    assert [event.value for event in found.Scalars("train/loss")] == pytest.approx(losses, abs=1e-3)
    assert len(found.Scalars("eval/loss")) == run.steps + 1


def test_a_folder_that_is_called_as_a_tracker_stops_no_run(
    make_colours: Callable[..., Dataset], train_tiny: Callable[..., Trained], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """TRL asks whatever imports as trackio for an address when it saves a checkpoint."""
    (tmp_path / "here" / "trackio").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "here"))
    monkeypatch.setattr("trl.trainer.utils.is_trackio_available", lambda: True)
    try:
        with pytest.raises(ImportError):
            get_trackio_space_url()
        run = train_tiny(make_colours(8, 2), tmp_path / "out", num_train_epochs=1, eval_steps=1)
    finally:
        sys.modules.pop("trackio", None)  # or it would be there for whatever trains by TRL next
    assert run.steps == 1
