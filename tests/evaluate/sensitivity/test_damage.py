"""The damaged candidate is ruined, always in the same way, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.errors import ModelError
from assay.evaluate.models.switched_model import PROBE, Precision, SwitchedModel, load_switched
from assay.evaluate.sensitivity.damage import (
    AGREEMENT,
    FIRST_SLIGHT,
    LEAST,
    MOST,
    NEAR_ENOUGH,
    SLIGHT_DIVERGENCE,
    TRIES,
    _next_strength,
    damage_slightly,
)


def load(target: Any, adapter: Path, seed: int = 0, dtype: str = "float32") -> SwitchedModel:
    precision = Precision(False, "nf4", True, dtype)
    return load_switched(target.ref, target, {"candidate": adapter}, precision, damage_seed=seed)


def probe_logits(switched: SwitchedModel, target: Any, name: Any) -> torch.Tensor:
    with torch.inference_mode(), switched.switched_to(name):
        found: torch.Tensor = switched.model(input_ids=torch.tensor([target.tokenizer.encode(PROBE)])).logits[0]
        return found


def agreement(switched: SwitchedModel, target: Any) -> float:
    damaged, healthy = (probe_logits(switched, target, name).argmax(-1) for name in ("damaged", "candidate"))
    return float((damaged == healthy).float().mean())


def test_hardly_a_next_token_is_the_candidates(target: Any, tiny_adapter: Path) -> None:
    assert agreement(load(target, tiny_adapter), target) <= AGREEMENT


@pytest.mark.parametrize(
    "kind",
    [
        {"use_rslora": True},
        {"use_dora": True},
        {"scale": 1e-4},
        {"scale": 3.0},
        {"target_modules": ["embed_tokens"]},
        {"modules_to_save": ["norm"]},
    ],
    ids=str,
)
def test_so_it_is_for_every_kind_and_size_of_adapter(
    target: Any, make_adapter: Callable[..., Path], kind: dict[str, Any]
) -> None:
    assert agreement(load(target, make_adapter("kind", **kind)), target) <= AGREEMENT


def test_where_no_strength_is_enough_the_one_that_changes_most_is_taken(
    target: Any, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.evaluate.sensitivity import damage as module

    monkeypatch.setattr(module, "AGREEMENT", -1.0)
    switched = load(target, tiny_adapter)
    least = agreement(switched, target)
    assert 0.0 <= least <= AGREEMENT
    monkeypatch.setattr(module, "TOO_LITTLE", -1.0)
    unhurt = load(target, tiny_adapter)
    for _ in range(2):
        with pytest.raises(ModelError, match="no noise"):
            probe_logits(unhurt, target, "damaged")


def test_an_adapter_that_can_hurt_nothing_is_an_error(target: Any, make_adapter: Callable[..., Path]) -> None:
    """Queries alone decide what is looked at, which in a model of random weights changes little."""
    switched = load(target, make_adapter("queries", target_modules=["q_proj"]))
    with pytest.raises(ModelError, match=r"no noise.*damaged_items=0"):
        probe_logits(switched, target, "damaged")


def test_in_half_precision_it_is_ruined_too(target: Any, tiny_adapter: Path) -> None:
    assert agreement(load(target, tiny_adapter, dtype="bfloat16"), target) <= AGREEMENT


def test_the_seed_alone_decides(target: Any, tiny_adapter: Path) -> None:
    first, again, other = (probe_logits(load(target, tiny_adapter, seed), target, "damaged") for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_candidate_and_base_do_not_feel_it(target: Any, tiny_adapter: Path) -> None:
    hurt = load(target, tiny_adapter)
    precision = Precision(False, "nf4", True, "float32")
    whole = load_switched(target.ref, target, {"candidate": tiny_adapter}, precision, damage_seed=None)
    for name in ("base", "candidate"):
        assert torch.equal(probe_logits(hurt, target, name), probe_logits(whole, target, name))


def divergence(switched: SwitchedModel, target: Any, name: Any) -> float:
    hurt, healthy = (probe_logits(switched, target, arm).log_softmax(-1) for arm in (name, "candidate"))
    return float((healthy.exp() * (healthy - hurt)).sum(-1).mean())


def with_slight_damage(target: Any, adapter: Path, seed: int = 0, dtype: str = "float32") -> SwitchedModel:
    precision = Precision(False, "nf4", True, dtype)
    return load_switched(
        target.ref, target, {"candidate": adapter}, precision, damage_seed=seed, with_slight_damage=True
    )


REACHABLE = 0.003
"""Nats. A model of random weights is unsure of every next token, so that hardly anything diverges."""


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damage_slightly, "__defaults__", (REACHABLE,))


@pytest.mark.parametrize("kind", [{}, {"use_dora": True}, {"scale": 1e-3}, {"scale": 2.0}], ids=str)
def test_the_smaller_damage_diverges_as_much_as_was_asked(
    reachable: None, target: Any, make_adapter: Callable[..., Path], kind: dict[str, Any]
) -> None:
    switched = with_slight_damage(target, make_adapter("kind", **kind))
    assert divergence(switched, target, "slightly_damaged") == pytest.approx(REACHABLE, rel=NEAR_ENOUGH + 0.02)


def test_it_is_the_same_noise_for_the_same_seed_and_nobody_else_feels_it(
    reachable: None, target: Any, tiny_adapter: Path
) -> None:
    first, again, other = (with_slight_damage(target, tiny_adapter, seed) for seed in (0, 0, 1))
    logits = [probe_logits(switched, target, "slightly_damaged") for switched in (first, again, other)]
    assert torch.equal(logits[0], logits[1]) and not torch.equal(logits[0], logits[2])
    whole = load(target, tiny_adapter)
    for name in ("base", "candidate", "damaged"):
        assert torch.equal(probe_logits(first, target, name), probe_logits(whole, target, name))


def test_the_smaller_damage_is_made_when_it_is_asked_for(reachable: None, target: Any, tiny_adapter: Path) -> None:
    """It is asked last, and scoring is not to wait for it."""
    switched = with_slight_damage(target, tiny_adapter)
    assert "slightly_damaged" in switched.adapters and "slightly_damaged" not in switched.model.peft_config
    before = {name: probe_logits(switched, target, name) for name in ("base", "candidate", "damaged")}
    hurt = probe_logits(switched, target, "slightly_damaged")
    assert "slightly_damaged" in switched.model.peft_config and not switched.later
    for name, logits in before.items():
        assert torch.equal(probe_logits(switched, target, name), logits)
    assert torch.equal(probe_logits(switched, target, "slightly_damaged"), hurt)


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0, 6.0])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
@pytest.mark.parametrize("most", [5.0, MOST])
def test_the_strength_is_found_in_few_tries_whatever_the_law(power: float, scale: float, most: float) -> None:
    """Divergence saturates, or is no number, beyond a strength."""

    def diverged(strength: float) -> float:
        found = max(scale * strength**power, LEAST)
        return found if found < 5 else most

    tried: dict[float, float] = {FIRST_SLIGHT: diverged(FIRST_SLIGHT)}
    while abs(list(tried.values())[-1] / 0.2 - 1) > NEAR_ENOUGH:
        strength = _next_strength(tried, 0.2)
        tried[strength] = diverged(strength)
        assert len(tried) <= TRIES


def test_where_nothing_diverges_so_far_the_nearest_is_taken(target: Any, tiny_adapter: Path) -> None:
    found = divergence(with_slight_damage(target, tiny_adapter), target, "slightly_damaged")
    assert 2 * REACHABLE < found < SLIGHT_DIVERGENCE / 2
