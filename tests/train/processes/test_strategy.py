"""What a process was told to share, what it cannot train so, and whose checkpoints it reads."""

from __future__ import annotations

import importlib.util

import pytest

from assay.errors import SettingsError
from assay.train.processes.strategy import Sharing, check_strategy, of_checkpoint, sharing
from assay.train.settings import TrainSettings

FSDP = Sharing("fsdp", 0, 2)
ZERO2, ZERO3 = Sharing("deepspeed", 2, 2), Sharing("deepspeed", 3, 2)


def test_a_process_is_told_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sharing() == Sharing("", 0, 1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    assert sharing() == ZERO2, "accelerate's own default"
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", "3")
    assert sharing() == ZERO3
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", "three")
    with pytest.raises(SettingsError, match="ACCELERATE_DEEPSPEED_ZERO_STAGE: three is no stage of ZeRO"):
        sharing()


@pytest.mark.parametrize(
    ("files", "saved"),
    [
        (["adapter_model.safetensors", "optimizer.pt"], Sharing()),
        (["pytorch_model_fsdp.bin", "optimizer.bin"], Sharing("fsdp")),
        (["latest", "s/mp_rank_00_model_states.pt", *(f"s/zero_pp_rank_{n}_mp_rank_00_optim_states.pt" for n in "01")],
         ZERO2),
        ([f"s/zero_pp_rank_{n}_mp_rank_00_{kind}_states.pt" for n in (0, 1) for kind in ("model", "optim")], ZERO3),
    ],
)  # fmt: skip
def test_a_checkpoint_is_read_by_what_saved_it(files: list[str], saved: Sharing) -> None:
    assert of_checkpoint(files) == saved
    readers = [told for told in (Sharing("", 0, 2), FSDP, ZERO2, ZERO3) if told.reads(saved)]
    assert [(told.by, told.stage) for told in readers] == [(saved.by, saved.stage)]


def test_the_pieces_of_deepspeed_are_read_by_as_many_processes() -> None:
    assert not Sharing("deepspeed", 3, 4).reads(ZERO3)
    assert Sharing("fsdp", 0, 4).reads(of_checkpoint(["pytorch_model_fsdp.bin"]))


@pytest.mark.parametrize("told", [FSDP, ZERO2, ZERO3])
def test_what_cannot_be_shared_out_is_refused(told: Sharing) -> None:
    with pytest.raises(SettingsError, match=rf"new_tokens trains single rows .*{told.by}; --strategy ddp"):
        check_strategy(TrainSettings(new_tokens=("<a>",)), told)
    with pytest.raises(SettingsError, match=rf"pissa is saved as .*{told.by}; --strategy ddp"):
        check_strategy(TrainSettings(init_lora_weights="pissa", load_in_4bit=False), told)
    with pytest.raises(SettingsError, match=rf"unsloth puts the model .*{told.by}; --strategy ddp"):
        check_strategy(TrainSettings(backend="unsloth"), told)
    with pytest.raises(SettingsError, match="there is one process; start 2 or more"):
        check_strategy(TrainSettings(), Sharing(told.by, told.stage, 1))


def test_two_ways_to_share_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(SettingsError, match="ACCELERATE_USE_FSDP and DeepSpeed are both asked for"):
        check_strategy(TrainSettings(), ZERO3)


@pytest.mark.skipif(importlib.util.find_spec("deepspeed") is not None, reason="deepspeed is installed")
def test_deepspeed_that_is_not_installed_is_one_line() -> None:
    with pytest.raises(SettingsError, match="deepspeed is not installed; DS_BUILD_OPS=0 pip install deepspeed, or"):
        check_strategy(TrainSettings(), ZERO3)
