"""PiSSA starts at the base's logits and its saved adapter fits the base as it was; LoftQ starts nearer to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.models import ModelRef, load_adapter, load_base
from assay.train.methods.initial import low_rank, start_from_what_was_lost
from assay.train.settings import TrainSettings
from assay.train.trained import Trained

Make = Callable[..., Dataset]
PROBE = torch.arange(3, 43).unsqueeze(0)


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(input_ids=PROBE.to(model.device)).logits.float()
    return found


@pytest.mark.parametrize("start", ["pissa", "pissa_niter_4"])
def test_pissa_starts_at_the_bases_logits_with_the_base_changed(
    start: str, make_trainer: Callable[..., Any], make_colours: Make, model_ref: ModelRef, tmp_path: Path
) -> None:
    base = logits(load_base(model_ref, dtype="float32", device="cpu"))
    model = make_trainer(make_colours(8), tmp_path, init_lora_weights=start, lora_r=4).model
    assert torch.allclose(logits(model), base, atol=1e-4)
    with model.disable_adapter():
        assert float((logits(model) - base).abs().max()) > 0.1
    assert all(float(p.abs().max()) > 0 for name, p in model.named_parameters() if "lora_B" in name)


@pytest.mark.parametrize("rank_stabilised", [False, True])
def test_the_saved_adapter_of_pissa_on_the_base_as_it_was_is_the_model_that_trained(
    rank_stabilised: bool,
    train_tiny: Callable[..., Trained],
    make_colours: Make,
    model_ref: ModelRef,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, Any] = {}
    from assay.train import stage

    original = stage.save_adapter

    def keep(model: Any, *rest: Any) -> None:
        seen["logits"] = logits(model)
        original(model, *rest)

    monkeypatch.setattr(stage, "save_adapter", keep)
    run = train_tiny(
        make_colours(24, 8), tmp_path, init_lora_weights="pissa", lora_r=4, use_rslora=rank_stabilised, lora_dropout=0.0
    )
    config = json.loads((run.adapter / "adapter_config.json").read_text())
    assert (config["r"], config["init_lora_weights"]) == (8, True)
    assert not (tmp_path / "checkpoints").exists()
    base = load_base(model_ref, dtype="float32", device="cpu")
    before = logits(base)
    after = logits(load_adapter(base, run.adapter, "default"))
    assert float((after - before).abs().max()) > 0.1
    assert torch.allclose(after, seen["logits"], atol=1e-4)


def test_loftq_starts_nearer_to_the_16_bit_base(
    make_trainer: Callable[..., Any], make_colours: Make, model_ref: ModelRef, tmp_path: Path
) -> None:
    whole = load_base(model_ref, dtype="float32", device="cpu")
    model = make_trainer(make_colours(8), tmp_path, load_in_4bit=True, init_lora_weights="loftq", lora_r=16).model
    error = start_from_what_was_lost(model, model_ref, seed=0)
    assert error.after < 0.8 * error.before
    goal = logits(whole)
    with model.disable_adapter():
        plain = float((logits(model) - goal).square().mean())
    assert float((logits(model) - goal).square().mean()) < plain


def test_the_error_that_loftq_tells_of_is_that_of_the_weights(
    make_trainer: Callable[..., Any], make_colours: Make, model_ref: ModelRef, tmp_path: Path
) -> None:
    """Against the weights that PEFT merges."""
    whole = dict(load_base(model_ref, dtype="float32", device="cpu").named_modules())
    model = make_trainer(make_colours(8), tmp_path, load_in_4bit=True, init_lora_weights="loftq", lora_r=8).model
    error = start_from_what_was_lost(model, model_ref, seed=0)
    total = left = 0.0
    for name, layer in model.get_base_model().named_modules():
        if type(layer).__name__ == "Linear4bit" and hasattr(layer, "lora_A"):
            from assay.train.methods.initial import dequantised

            weight = whole[name].weight.detach()
            delta = layer.get_delta_weight("default").detach()
            left += float((weight - dequantised(layer.base_layer) - delta).square().sum())
            total += float(weight.square().sum())
    assert error.after == pytest.approx((left / total) ** 0.5, rel=1e-3)


def test_a_loftq_run_trains_and_its_adapter_loads_over_the_4_bit_base(
    train_tiny: Callable[..., Trained], make_colours: Make, model_ref: ModelRef, tmp_path: Path
) -> None:
    run = train_tiny(make_colours(16, 8), tmp_path, load_in_4bit=True, init_lora_weights="loftq")
    assert run.validation_loss is not None and run.validation_loss_before is not None
    assert run.validation_loss < run.validation_loss_before
    assert json.loads((run.adapter / "adapter_config.json").read_text())["init_lora_weights"] is True
    base = load_base(model_ref, load_in_4bit=True, dtype="float32", device="cpu")
    before = logits(base)
    assert float((logits(load_adapter(base, run.adapter, "default")) - before).abs().max()) > 0.1


def test_the_approximation_is_as_good_as_the_exact_one() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(96, 160)
    b, a = low_rank(matrix, 8, seed=1)
    assert (b.shape, a.shape) == ((96, 8), (8, 160))
    best = float(torch.linalg.svdvals(matrix)[8:].square().sum())
    assert float((matrix - b @ a).square().sum()) == pytest.approx(best, rel=1e-3)
    again = low_rank(matrix, 8, seed=1)
    assert torch.equal(b, again[0]) and torch.equal(a, again[1])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"init_lora_weights": "pissa"}, "4-bit base that nobody else has"),
        ({"init_lora_weights": "loftq", "load_in_4bit": False}, "load_in_4bit is false"),
        ({"init_lora_weights": "loftq", "use_dora": True}, "magnitudes"),
        ({"init_lora_weights": "pisa", "load_in_4bit": False}, "did you mean 'pissa'"),
        ({"init_lora_weights": False}, "false is not offered"),
    ],
)
def test_starts_that_cannot_be_meant_are_one_line(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        TrainSettings(**wrong)
