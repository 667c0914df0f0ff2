"""Every default is the guide's, every value can be set, and each says on what ground it stands."""

from __future__ import annotations

import pytest

from assay.config import Document, parse
from assay.errors import SettingsError
from assay.train.recipe import Hardware, Recipe, find_hardware, resolve
from assay.train.settings import TrainSettings

CPU = Hardware("cpu", computes_bf16=True)


def recipe_for(settings: TrainSettings, records: int = 5000, longest: int = 200, hardware: Hardware = CPU) -> Recipe:
    return resolve(settings, records=records, longest=longest, pad_token_id=0, hardware=hardware, validated=True)


@pytest.mark.parametrize(("preset", "r"), [("formatting", 8), ("general", 16), ("domain", 16), ("shift", 32)])
def test_presets_set_the_rank_and_twice_it_as_alpha(preset: str, r: int) -> None:
    recipe = recipe_for(TrainSettings(preset=preset))
    assert (recipe.lora_r, recipe.lora_alpha) == (r, 2 * r)
    assert recipe.grounds["lora_r"] == f"preset {preset}"


def test_defaults_are_those_of_the_guide() -> None:
    recipe = recipe_for(TrainSettings())
    assert recipe.lora_dropout == 0.05
    assert recipe.lora_target_modules == "all-linear"
    assert recipe.learning_rate == 2e-4
    assert recipe.lr_scheduler_type == "cosine"
    assert recipe.warmup_steps == 0.05
    assert recipe.num_train_epochs == 3
    assert recipe.effective_batch_size == 16
    assert recipe.max_length == 200


def test_a_small_set_gets_fewer_epochs_and_says_why() -> None:
    recipe = recipe_for(TrainSettings(), records=400)
    assert recipe.num_train_epochs == 2
    assert "fewer than" in recipe.grounds["num_train_epochs"]


@pytest.mark.parametrize("processes", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("longest", [50, 900, 5000, 100_000])
def test_the_effective_batch_is_the_same_whatever_the_devices_and_lengths(processes: int, longest: int) -> None:
    recipe = recipe_for(TrainSettings(), longest=longest, hardware=Hardware("cuda:0", True, processes))
    parts = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps * processes
    assert parts == recipe.effective_batch_size == 16


def test_given_values_are_kept_and_marked() -> None:
    recipe = recipe_for(TrainSettings(lora_r=4, learning_rate=1e-3, num_train_epochs=1.5, max_length=99))
    assert (recipe.lora_r, recipe.lora_alpha, recipe.learning_rate, recipe.max_length) == (4, 8, 1e-3, 99)
    assert recipe.grounds["lora_r"] == recipe.grounds["learning_rate"] == "given"


def test_an_evaluation_an_epoch_is_as_many_steps_as_an_epoch_has() -> None:
    recipe = recipe_for(TrainSettings(eval_strategy="epoch"), records=1600)
    assert recipe.eval_steps == 100 and recipe.grounds["eval_steps"] == "eval_strategy: epoch"
    assert recipe_for(TrainSettings(eval_strategy="epoch", eval_steps=7)).eval_steps == 7
    with pytest.raises(SettingsError, match="validation: 0"):
        TrainSettings(eval_strategy="no")


def test_parts_that_contradict_the_effective_batch_are_refused() -> None:
    with pytest.raises(SettingsError, match="leave one of them out"):
        recipe_for(TrainSettings(effective_batch_size=16, per_device_train_batch_size=4, gradient_accumulation_steps=3))


def test_a_batch_that_the_processes_cannot_share_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be shared by 3"):
        recipe_for(TrainSettings(), hardware=Hardware("cuda:0", True, 3))


@pytest.mark.parametrize(
    ("hardware", "dtype"),
    [
        (Hardware("cpu", True), "bfloat16"),
        (Hardware("cpu", False), "float32"),
        (Hardware("cuda:0", True), "bfloat16"),
        (Hardware("cuda:0", False), "float16"),
    ],
)
def test_bf16_where_it_is_computed_else_fp16_on_a_gpu_and_fp32_on_a_cpu(hardware: Hardware, dtype: str) -> None:
    assert recipe_for(TrainSettings(), hardware=hardware).dtype == dtype


def test_a_gpu_that_is_not_there_is_one_line() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SettingsError, match="no GPU can be used here; set device: auto"):
        find_hardware(TrainSettings(device="cuda"))


def test_a_gpu_is_not_needed_to_ask_for_none() -> None:
    assert find_hardware(TrainSettings(device="cpu")).device == "cpu"
    with pytest.raises(SettingsError, match="no device 'gpu'"):
        find_hardware(TrainSettings(device="gpu"))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"preset": "domian"}, "did you mean 'domain'"),
        ({"lora_dropout": 1.0}, "below 1"),
        ({"learning_rate": 0}, "above 0"),
        ({"lora_rr": 8}, "did you mean 'lora_r'"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_line(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse(TrainSettings, Document(wrong))


def test_former_names_are_taken_and_answered() -> None:
    settings, notices = parse(TrainSettings, Document({"warmup_ratio": 0.1, "max_seq_length": 64, "r": 4}))
    assert (settings.warmup_steps, settings.max_length, settings.lora_r) == (0.1, 64, 4)
    assert len(notices) == 3
