"""What is refused for Unsloth is refused before it is imported; what is passed to it is held in tests/real."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.errors import AssayError, SettingsError
from assay.models import ModelRef
from assay.train.methods.kernels import check_kernels
from assay.train.methods.unsloth import ARCHITECTURES, by_transformers, import_unsloth, load_by_unsloth, ready_to_train
from assay.train.recipe import Hardware, Recipe, resolve
from assay.train.settings import TrainSettings

GPU = Hardware("cuda:0", True)


def recipe(**settings: Any) -> Recipe:
    chosen = TrainSettings(**{"backend": "unsloth", **settings})
    return resolve(chosen, records=8, longest=16, pad_token_id=0, hardware=GPU, validated=False)


@pytest.mark.parametrize(
    "asked",
    [
        {"use_dora": True}, {"packing": True}, {"new_tokens": ("<a>",)}, {"use_liger_kernel": True},
        {"lora_target_parameters": "experts"}, {"init_lora_weights": "pissa", "load_in_4bit": False},
        {"init_lora_weights": "loftq"}, {"bnb_4bit_quant_type": "fp4"}, {"bnb_4bit_use_double_quant": False},
        {"dtype": "float32"},
    ],
)  # fmt: skip
def test_what_it_decides_by_itself_or_was_not_tried_with_is_refused_by_name(asked: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=f"backend: unsloth is offered without .*{next(iter(asked))}.*leave one"):
        TrainSettings(backend="unsloth", **asked)
    TrainSettings(**asked)


def test_a_setting_of_4_bits_is_nothing_to_a_run_without() -> None:
    TrainSettings(backend="unsloth", load_in_4bit=False, bnb_4bit_quant_type="fp4")


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: importlib.machinery.ModuleSpec(name, None))
    with pytest.raises(SettingsError, match="backend: unsloth trains in one process here; leave --processes out"):
        check_kernels(TrainSettings(backend="unsloth"), dataclasses.replace(GPU, processes=2))


def test_an_architecture_without_a_model_of_its_own_is_refused_before_anything_loads(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "phi3", "architectures": ["Phi3ForCausalLM"]}))
    ref = ModelRef("phi", tmp_path, None, embedded=False)
    with pytest.raises(SettingsError, match=rf"is offered for {', '.join(ARCHITECTURES)}, and phi is phi3"):
        load_by_unsloth(ref, recipe())


@pytest.mark.skipif(importlib.util.find_spec("unsloth") is not None, reason="Unsloth is installed")
def test_what_cannot_be_imported_is_one_line_and_leaves_the_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("UNSLOTH_COMPILE_LOCATION", "UNSLOTH_DISABLE_STATISTICS", "UNSLOTH_DISABLE_CPU_FALLBACK"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with pytest.raises(AssayError, match=r"backend: unsloth cannot be used: No module named 'unsloth'; pip install -U"):
        import_unsloth()
    assert os.environ["UNSLOTH_DISABLE_STATISTICS"] == "1"
    folder = Path(os.environ["UNSLOTH_COMPILE_LOCATION"])
    assert folder.is_dir() and folder.stat().st_mode & 0o077 == 0, "code is imported from it"
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_unsloths_is_as_it_was() -> None:
    model = torch.nn.Linear(2, 2)
    ready_to_train(model)
    before = dict(vars(model))
    assert by_transformers(model, lambda: model(torch.ones(2)).sum())().requires_grad
    assert dict(vars(model)) == before
