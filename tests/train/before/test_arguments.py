"""What transformers would refuse after the weights are loaded, or with a traceback, is one line before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.chat import load_target
from assay.dataset import Dataset
from assay.errors import AssayError, SettingsError
from assay.train.before.arguments import check_arguments
from assay.train.prepared import prepare
from assay.train.settings import TrainSettings

Make = Callable[..., Dataset]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optim": "adamw_torhc"}, "transformers has no optimiser 'adamw_torhc'; did you mean 'adamw_torch'"),
        ({"optim": "galore_adamw"}, "optim: galore_adamw cannot be used: You need to install `galore_torch`"),
        ({"lr_scheduler_type": "cosin"}, "transformers has no 'cosin'; did you mean 'cosine'"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "cosine_with_min_lr needs numbers of its own"),
        ({"lr_scheduler_type": "warmup_stable_decay"}, "warmup_stable_decay needs numbers of its own"),
        ({"report_to": "tensorbord"}, "transformers knows no tracker 'tensorbord'; did you mean 'tensorboard'"),
        ({"report_to": "flyte"}, "report_to: flyte cannot be used: FlyteCallback requires flytekit to be installed"),
    ],
)
def test_what_transformers_cannot_do(settings: dict[str, str], said: str) -> None:
    with pytest.raises(AssayError) as caught:
        check_arguments(TrainSettings(**settings))  # type: ignore[arg-type]
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optim": "adafactor"},
        {"optim": "adamw_8bit"},
        *({"lr_scheduler_type": name} for name in ("linear", "constant", "polynomial", "reduce_lr_on_plateau")),
        {"report_to": "all"},
    ],
)
def test_what_it_can_do_is_taken(settings: dict[str, str]) -> None:
    check_arguments(TrainSettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{"seed": -1}, {"seed": 2**32}, {"learning_rate": float("inf")}])
def test_numbers_that_no_generator_or_step_takes(values: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="but should be"):
        TrainSettings(**values)  # type: ignore[arg-type]


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """The tiny model without its weights: whatever needs them fails."""
    copy = tmp_path / "model"
    shutil.copytree(model_folder, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    return copy


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lora_target_modules": ("qkv_prj",)}, "no linear module matches 'qkv_prj'"),
        ({"lora_target_modules": ".*layers\\.9\\..*"}, "no linear module matches"),
        ({"lora_target_modules": ("lm_head",)}, "lm_head cannot be adapted"),
        ({"lora_target_parameters": "experts", "lora_dropout": 0.0}, "this model has no experts"),
        ({"num_train_epochs": 0.01}, "num_train_epochs: 0.01 of 8 records is none; 0.12 is one record"),
    ],
)
def test_nothing_to_train_is_said_without_weights(
    folder: Path, make_colours: Make, settings: dict[str, object], said: str
) -> None:
    target = load_target(str(folder), offline=True)
    with pytest.raises(SettingsError) as caught:
        prepare(make_colours(8), TrainSettings(device="cpu", validation=0.0, **settings), target)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_modules_of_one_layer_alone_are_taken(folder: Path, make_colours: Make) -> None:
    settings = TrainSettings(device="cpu", lora_target_modules=".*layers\\.1\\..*q_proj")
    assert prepare(make_colours(8), settings, load_target(str(folder), offline=True)).recipe.steps


def test_a_run_of_one_step_has_no_warm_up(folder: Path, make_colours: Make) -> None:
    """The first step of a warm-up has the rate 0, so that it would learn nothing."""
    target = load_target(str(folder), offline=True)
    one = prepare(make_colours(8), TrainSettings(device="cpu", num_train_epochs=1, validation=0.0), target).recipe
    two = prepare(make_colours(8), TrainSettings(device="cpu", num_train_epochs=2, validation=0.0), target).recipe
    assert (one.steps, one.warmup_steps, one.grounds["warmup_steps"]) == (1, 0.0, "the run is one step")
    assert (two.steps, two.warmup_steps) == (2, 0.05)
