"""Training on a GPU: which card, in what precision, that everything lies on it, and what a full one says."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import OutOfMemoryError, SettingsError
from assay.models import ModelRef, load_base
from assay.train import stage
from assay.train.full_memory import smaller
from assay.train.planning.machine import this_machine
from assay.train.prepared import prepare
from assay.train.progress import Progress
from assay.train.recipe import Recipe, find_hardware, resolve
from assay.train.settings import TrainSettings
from assay.train.trained import Trained
from assay.train.trainer import _choose_attention
from tests.pretended_gpu import pretended, pretended_apple

Train = Callable[..., Trained]
MakeColours = Callable[..., Dataset]


def test_a_card_has_a_number() -> None:
    with pretended(cards=2):
        assert find_hardware(TrainSettings(device="cuda")).device == "cuda:0"
        assert find_hardware(TrainSettings(device="auto")).device == "cuda:0"
        assert find_hardware(TrainSettings(device="cuda:1")).device == "cuda:1"


def test_each_of_several_processes_takes_its_own_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pretended(cards=2):
        for device in ("auto", "cuda"):
            assert find_hardware(TrainSettings(device=device)).device == "cuda:1"


@pytest.mark.parametrize(
    ("cards", "device", "why"),
    [
        (1, "cuda:1", "device: cuda:1 is asked for, and there is cuda:0 alone; name one of them"),
        (2, "cuda:7", "device: cuda:7 is asked for, and there is cuda:0 to cuda:1"),
        (2, "cuda:x", "no device 'cuda:x'"),
        (2, "cuda:", "no device 'cuda:'"),
        (2, "cudax", "no device 'cudax'"),
    ],
)
def test_a_card_that_is_not_there_is_one_line(cards: int, device: str, why: str) -> None:
    with pretended(cards=cards), pytest.raises(SettingsError, match=why):
        find_hardware(TrainSettings(device=device))


@pytest.mark.parametrize(("capability", "there"), [((7, 5), False), ((8, 6), True)])
def test_an_old_card_takes_float16_and_no_flash_attention(
    capability: tuple[int, int], there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A T4 emulates bfloat16, and flash-attn may be installed beside it all the same."""
    with pretended(capability=capability), monkeypatch.context() as patch:
        patch.setattr("assay.train.recipe.importlib.util.find_spec", lambda name: object())
        hardware = find_hardware(TrainSettings())
    assert (hardware.computes_bf16, hardware.flash_attention) == (there, there)


SETTINGS: dict[str, Any] = {"lora_dropout": 0.0, "num_train_epochs": 2, "effective_batch_size": 4, "eval_steps": 2}


@pytest.fixture(scope="module")
def on_the_processor(train_tiny: Train, make_colours: MakeColours, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_tiny(make_colours(8, 2), tmp_path_factory.mktemp("cpu"), **SETTINGS)


def assert_alike(found: Trained, expected: Trained, within: float) -> None:
    assert [entry.step for entry in found.log] == [entry.step for entry in expected.log]
    for one, other in zip(found.log, expected.log, strict=True):
        assert one.loss == pytest.approx(other.loss, abs=within)
        assert one.validation_loss == pytest.approx(other.validation_loss, abs=within)


def test_a_run_on_the_second_card_has_the_losses_of_the_processor(
    train_tiny: Train,
    make_colours: MakeColours,
    on_the_processor: Trained,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loading, the checks before the first step, steps, evaluations, answers, checkpoints, the adapter."""
    where: list[set[str]] = []
    save = stage.save_adapter

    def look(model: Any, *arguments: Any) -> None:
        where.append({str(tensor.device) for tensor in (*model.parameters(), *model.buffers())})
        save(model, *arguments)

    monkeypatch.setattr(stage, "save_adapter", look)
    with pretended(cards=2):
        found = train_tiny(
            make_colours(8, 2), tmp_path, device="cuda:1", gradient_checkpointing=True, samples=1, **SETTINGS
        )
        assert torch.cuda.current_device() == 1
    assert where == [{"cuda:1"}], "transformers would have moved it to the first card"
    assert_alike(found, on_the_processor, 1e-4)


@pytest.mark.parametrize(
    "precision",
    [
        {"dtype": "bfloat16", "packing": True, "new_tokens": ("red",), "use_dora": True},
        {"dtype": "float16", "optim": "adamw_torch_fused", "neftune_noise_alpha": 1e-6, "loraplus_lr_ratio": 1.0},
    ],
)
def test_half_precision_and_whatever_else_a_recipe_has_lies_on_the_card(
    train_tiny: Train, make_colours: MakeColours, on_the_processor: Trained, tmp_path: Path, precision: dict[str, Any]
) -> None:
    """In float16 the loss is scaled, and the scale is kept in each checkpoint."""
    with pretended(capability=(8, 0) if precision["dtype"] == "bfloat16" else (7, 5)):
        found = train_tiny(make_colours(8, 2), tmp_path, device="cuda", **{**SETTINGS, **precision})
    assert found.recipe.device == "cuda:0" and found.gradient_ratio == pytest.approx(1, abs=0.05)
    assert found.log[0].validation_loss == pytest.approx(on_the_processor.log[0].validation_loss, abs=0.05)
    assert found.log[-1].validation_loss == pytest.approx(on_the_processor.log[-1].validation_loss, abs=0.5)


def test_a_run_that_was_stopped_goes_on_on_the_card(
    train_tiny: Train, make_colours: MakeColours, tmp_path: Path
) -> None:
    def run(folder: Path, watch: Callable[[Progress], None] | None = None) -> Trained:
        with pretended(capability=(7, 5)):
            return train_tiny(make_colours(8, 2), folder, watch, device="cuda", dtype="float16", **SETTINGS)

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", stop)
    resumed = run(tmp_path / "stopped")
    assert resumed.resumed_from == 2
    assert_alike(resumed, whole, 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_apples_gpu_trains_too(
    train_tiny: Train, make_colours: MakeColours, on_the_processor: Trained, tmp_path: Path, dtype: str
) -> None:
    """It has no float64, in which the gradient is checked."""
    with pretended_apple():
        found = train_tiny(make_colours(8, 2), tmp_path, device="auto", samples=0, **{**SETTINGS, "dtype": dtype})
    assert found.recipe.device == "mps"
    assert_alike(found, on_the_processor, 1e-4 if dtype == "float32" else 0.1)


def test_memory_that_is_full_says_what_to_change_and_loses_no_checkpoint(
    train_tiny: Train, make_colours: MakeColours, tmp_path: Path
) -> None:
    def fill(progress: Progress) -> None:
        if progress.step == 3:
            torch.empty(2**60, dtype=torch.uint8)

    with pytest.raises(OutOfMemoryError) as caught:
        train_tiny(make_colours(8, 2), tmp_path, fill, **SETTINGS)
    assert str(caught.value) == (
        "this machine's memory is full after step 3 of 4 (1152921504606846976 bytes more were asked for); try "
        "train.per_device_train_batch_size=2 (it is 4), which leaves a step its 4 records; with more room the same "
        "command goes on from step 2"
    )
    assert train_tiny(make_colours(8, 2), tmp_path, **SETTINGS).resumed_from == 2


def recipe(**settings: Any) -> Recipe:
    with pretended():
        chosen = TrainSettings(**settings)
        return resolve(
            chosen, records=100, longest=512, pad_token_id=0, hardware=find_hardware(chosen), validated=False
        )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "train.per_device_train_batch_size=8 (it is 16), which leaves a step its 16 records"),
        ({"per_device_train_batch_size": 3, "gradient_accumulation_steps": 2},
         "train.per_device_train_batch_size=1 train.gradient_accumulation_steps=6 (it is 3)"),
        ({"per_device_train_batch_size": 1, "gradient_checkpointing": False}, "train.gradient_checkpointing=true"),
        ({"per_device_train_batch_size": 1, "load_in_4bit": False}, "train.load_in_4bit=true"),
        ({"per_device_train_batch_size": 1}, "train.max_length below 512 with train.truncation=drop"),
    ],
)  # fmt: skip
def test_what_to_change_first_is_what_changes_least(settings: dict[str, Any], said: str) -> None:
    assert said in smaller(recipe(**settings))


def test_a_packed_row_is_the_next_to_shrink() -> None:
    packed = dataclasses.replace(recipe(per_device_train_batch_size=1), packing=True)
    assert "train.packing=false" in smaller(packed)


def test_a_card_without_room_is_told_before_anything_is_loaded(target: ChatTarget, make_colours: MakeColours) -> None:
    settings = TrainSettings(effective_batch_size=8)
    with pretended(free=2**20):
        (told,) = prepare(make_colours(8, 2), settings, target).rows.warnings
    assert told.startswith(
        "a plan counts 0.6 GB at the peak, and 0.0 GB of cuda:0 are free: try train.per_device_train"
    )
    with pretended():
        assert prepare(make_colours(8, 2), settings, target).rows.warnings == ()


def test_a_card_that_torch_does_not_use_is_told(
    target: ChatTarget, make_colours: MakeColours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An NVIDIA driver beside a torch for the processor: the run would take days, and nothing would say why."""
    monkeypatch.setattr("assay.models.devices.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    notes = prepare(make_colours(8, 2), TrainSettings(), target).notes
    assert any("was built for the CPU, so the CPU computes; pip install" in note for note in notes)
    asked_for = prepare(make_colours(8, 2), TrainSettings(device="cpu"), target).notes
    assert not any("so the CPU computes" in note for note in asked_for)


def test_flash_attention_that_does_not_run_is_one_line(model_ref: ModelRef) -> None:
    """It is installed here as little as it may be broken elsewhere; transformers says so only once it is asked for."""
    packed = dataclasses.replace(recipe(), packed_attention="flash_attention_2", packed_length=8192)
    with pytest.raises(
        SettingsError, match=r"packing: flash-attn is installed, and this model cannot take it: .*Flash"
    ):
        _choose_attention(load_base(model_ref, device="cpu"), packed, 512)


def test_a_card_is_given_back_what_only_circles_hold(model_ref: ModelRef) -> None:
    """As a trainer does after a run, when the model is loaded anew to be scored."""
    collects = gc.isenabled()
    gc.disable()
    try:
        with pretended():
            model: Any = load_base(model_ref)
            model.circle, known = [model], weakref.ref(model)
            del model
            assert known() is not None
            load_base(model_ref)
        assert known() is None
    finally:
        if collects:
            gc.enable()


def test_a_plan_reads_the_card_that_is_asked_for() -> None:
    with pretended(cards=2, free=10**10):
        machine = this_machine(TrainSettings(device="cuda:1"))
    assert machine is not None and (machine.name, machine.available) == ("pretended 1", 10**10)
