"""Kernels from elsewhere are refused in one line where they cannot run, and passed on where they can."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from typing import Any

import pytest

from assay.config import Document, parse
from assay.errors import SettingsError
from assay.models import ModelRef
from assay.train.methods.kernels import check_kernels
from assay.train.methods.liger import check_liger
from assay.train.recipe import Hardware
from assay.train.settings import TrainSettings

CPU, GPU = Hardware("cpu", True), Hardware("cuda:0", True)
ASKED: list[dict[str, Any]] = [{"use_liger_kernel": True}, {"backend": "unsloth"}]


@pytest.mark.parametrize("asked", ASKED)
def test_without_a_gpu_they_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="needs a CUDA GPU, and training is on cpu; leave it out"):
        check_kernels(TrainSettings(**asked), CPU)


@pytest.mark.parametrize("asked", ASKED)
def test_where_they_are_not_installed_the_command_is_named(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"is not installed; pip install (liger-kernel|unsloth)"):
        check_kernels(TrainSettings(**asked), GPU)


@pytest.mark.parametrize("asked", ASKED)
def test_with_both_there_is_nothing_to_say(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.machinery.ModuleSpec("found", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    check_kernels(TrainSettings(**asked), GPU)
    check_kernels(TrainSettings(), CPU)


def test_kernels_that_are_interpreted_need_no_gpu_and_no_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.machinery.ModuleSpec("found", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    check_kernels(TrainSettings(use_liger_kernel=True), CPU)
    with pytest.raises(SettingsError, match="needs a CUDA GPU"):
        check_kernels(TrainSettings(backend="unsloth"), CPU)
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(SettingsError, match="needs a CUDA GPU"):
        check_kernels(TrainSettings(use_liger_kernel=True), CPU)


def test_experts_are_not_adapted_where_liger_computes_them(model_ref: ModelRef) -> None:
    settings = TrainSettings(use_liger_kernel=True, lora_target_parameters="experts")
    with pytest.raises(SettingsError, match="past their adapter; leave one of them out"):
        check_liger(settings, model_ref)


def test_other_tools_names_are_taken() -> None:
    foreign = {
        "enable_liger_kernel": False, "mask_history": True, "train_on_inputs": False,
        "new_special_tokens": "<a>, <b>", "quantization_bit": None,
    }  # fmt: skip
    settings, notices = parse(TrainSettings, Document(foreign))
    assert settings.completion_only_loss and settings.assistant_only_loss
    assert settings.new_tokens == ("<a>", "<b>")
    assert not settings.load_in_4bit
    settings, _ = parse(TrainSettings, Document({"pissa_init": True, "load_in_4bit": False, "padding_free": True}))
    assert (settings.init_lora_weights, settings.packing) == ("pissa_niter_16", True)
    settings, _ = parse(TrainSettings, Document({"use_unsloth": True, "sample_packing": False}))
    assert settings.backend == "unsloth"
    assert len(notices) == 5
