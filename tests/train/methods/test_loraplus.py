"""LoRA+: every B learns at the ratio of its A's rate, and DoRA's magnitudes with B."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.train.settings import TrainSettings

Make = Callable[..., Dataset]


def rates(trainer: Any) -> dict[str, float]:
    """{the kind of parameter: its rate}"""
    optimizer = trainer.create_optimizer()
    of = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    names = {name: p for name, p in trainer.model.named_parameters() if p.requires_grad}
    assert len(of) == len(names)
    return {kind: of[id(p)] for name, p in names.items() for kind in ("lora_A", "lora_B", "magnitude") if kind in name}


def test_b_learns_at_the_ratio_of_as_rate(make_trainer: Callable[..., Any], make_colours: Make, tmp_path: Path) -> None:
    found = rates(make_trainer(make_colours(8), tmp_path, loraplus_lr_ratio=16, learning_rate=1e-4, use_dora=True))
    assert found == {"lora_A": 1e-4, "lora_B": pytest.approx(1.6e-3), "magnitude": pytest.approx(1.6e-3)}


def test_without_a_ratio_both_learn_alike(make_trainer: Callable[..., Any], make_colours: Make, tmp_path: Path) -> None:
    assert set(rates(make_trainer(make_colours(8), tmp_path, learning_rate=1e-4)).values()) == {1e-4}


def test_b_moves_as_much_faster_in_a_step(make_trainer: Callable[..., Any], make_colours: Make, tmp_path: Path) -> None:
    """Adam's first step has the length of the rate in every direction that has a gradient."""

    def moved(ratio: float) -> float:
        trainer = make_trainer(make_colours(8), tmp_path / str(ratio), loraplus_lr_ratio=ratio, num_train_epochs=1,
                               warmup_steps=0, lr_scheduler_type="constant", effective_batch_size=8)  # fmt: skip
        trainer.train()
        return max(float(p.detach().abs().max()) for name, p in trainer.model.named_parameters() if "lora_B" in name)

    assert moved(10) == pytest.approx(10 * moved(1), rel=1e-3)


def test_the_schedule_moves_both_rates(make_trainer: Callable[..., Any], make_colours: Make, tmp_path: Path) -> None:
    trainer = make_trainer(make_colours(32), tmp_path, loraplus_lr_ratio=4, effective_batch_size=8)
    trainer.create_optimizer_and_scheduler(8)
    for _ in range(4):
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    first, second = sorted({group["lr"] for group in trainer.optimizer.param_groups})
    assert 0 < first < trainer.args.learning_rate
    assert second == pytest.approx(4 * first)


def test_a_ratio_below_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="at least as fast"):
        TrainSettings(loraplus_lr_ratio=0.5)
