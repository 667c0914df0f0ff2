"""DoRA, rsLoRA and gradient checkpointing do what they are for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from assay.dataset import Dataset
from assay.train.trained import Trained

Make = Callable[..., Dataset]


def test_dora_saves_a_magnitude_for_every_row_of_every_layer(
    train_tiny: Callable[..., Trained], make_colours: Make, tmp_path: Path
) -> None:
    run = train_tiny(make_colours(16), tmp_path, use_dora=True, num_train_epochs=1)
    saved = load_file(run.adapter / "adapter_model.safetensors")
    magnitudes = {name: tensor for name, tensor in saved.items() if "lora_magnitude_vector" in name}
    outputs = {name.partition(".lora_B")[0]: tensor.shape[0] for name, tensor in saved.items() if "lora_B" in name}
    assert {name.partition(".lora_magnitude")[0]: tensor.shape[0] for name, tensor in magnitudes.items()} == outputs
    assert len(magnitudes) == 14


def test_rslora_scales_by_the_root_of_the_rank(
    make_trainer: Callable[..., Any], make_colours: Make, tmp_path: Path
) -> None:
    def scaling(**settings: Any) -> set[float]:
        model = make_trainer(make_colours(8), tmp_path, lora_r=16, lora_alpha=32, **settings).model
        return {module.scaling["default"] for module in model.modules() if hasattr(module, "lora_A")}

    assert scaling() == {2.0}
    assert scaling(use_rslora=True) == {8.0}


def test_gradient_checkpointing_has_the_same_losses_on_a_cpu(
    train_tiny: Callable[..., Trained], make_colours: Make, tmp_path: Path
) -> None:
    """Dropout included: what is computed again draws the same numbers."""
    runs = [
        train_tiny(make_colours(16), tmp_path / str(on), gradient_checkpointing=on, num_train_epochs=2)
        for on in (False, True)
    ]
    losses = [[entry.loss for entry in run.log if entry.loss is not None] for run in runs]
    assert len(losses[0]) == 4
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    assert json.loads((runs[1].adapter.parent / "recipe.json").read_text())["gradient_checkpointing"] is True
