"""Training on a GPU: which card, in what precision, and that everything lies on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.train.recipe import find_hardware
from assay.train.settings import TrainSettings
from assay.train.stage import Trained
from tests.pretended_gpu import pretended


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


def test_an_old_card_takes_float16_and_no_flash_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    """A T4 emulates bfloat16, and flash-attn may be installed beside it all the same."""
    monkeypatch.setattr("assay.train.recipe.importlib.util.find_spec", lambda name: object())
    with pretended(capability=(7, 5)):
        hardware = find_hardware(TrainSettings())
    assert (hardware.computes_bf16, hardware.flash_attention) == (False, False)
    with pretended(capability=(8, 6)):
        hardware = find_hardware(TrainSettings())
    assert (hardware.computes_bf16, hardware.flash_attention) == (True, True)


def test_a_run_on_a_gpu_has_the_losses_of_the_processor(
    train_tiny: Callable[..., Trained], make_colours: Callable[..., Dataset], tmp_path: Path
) -> None:
    data = make_colours(16, 4)
    settings: dict[str, Any] = {"lora_dropout": 0.0, "num_train_epochs": 2, "gradient_checkpointing": True}
    expected = train_tiny(data, tmp_path / "cpu", **settings)
    with pretended(cards=2):
        found = train_tiny(data, tmp_path / "gpu", device="cuda:1", **settings)
        assert torch.cuda.current_device() == 1
    assert found.recipe.device == "cuda:1"
    for one, other in zip(found.log, expected.log, strict=True):
        assert (one.step, one.loss, one.validation_loss) == (
            other.step,
            pytest.approx(other.loss, abs=1e-4),
            pytest.approx(other.validation_loss, abs=1e-4),
        )
