"""Several adapters as one: PEFT's combinations, with their distance from the weighted sum measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ModelError, SettingsError
from assay.train.merging.combine import CombineSettings, Method, combine, said_of
from assay.train.parity.provenance import Trained

Make = Callable[..., Path]
Read = Callable[[Path], Trained]


def updates(folder: Path, base: Path) -> dict[str, Any]:
    """{layer: what the adapter adds to its weight}, by PEFT itself."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(folder))
    return {
        name: module.get_delta_weight("default").float()
        for name, module in model.named_modules()
        if hasattr(module, "get_delta_weight") and "default" in module.lora_A
    }


@pytest.mark.parametrize("lora", [{}, {"use_rslora": True}, {"rank_pattern": {"q_proj": 2}}], ids=str)
def test_cat_is_the_weighted_sum_whatever_scales_the_adapters(
    lora: dict[str, Any], make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    """With rsLoRA PEFT 0.21 scales the sum by the root of its rank once more, when it is left to itself."""
    import torch

    base = make_base()
    folders = [
        make_adapter(tmp_path / "a", base, seed=1, **lora),
        make_adapter(tmp_path / "b", base, seed=2, r=8, lora_alpha=4, **lora),
    ]
    found = combine([trained_of(one) for one in folders], CombineSettings((0.7, -0.3)), tmp_path / "both")
    assert found.distance < 1e-5 and found.rank == 12
    a, b, both = (updates(folder, base) for folder in (*folders, tmp_path / "both"))
    assert all(torch.allclose(both[name], 0.7 * a[name] - 0.3 * b[name], atol=1e-5) for name in both)


@pytest.mark.parametrize("method", ["linear", "svd", "ties", "dare_linear", "dare_ties", "ties_svd"])
def test_every_method_writes_an_adapter_and_says_how_far_it_is_from_the_sum(
    method: Method, make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    base = make_base()
    both = [trained_of(make_adapter(tmp_path / name, base, seed=seed)) for seed, name in enumerate("ab")]
    density = None if method in ("linear", "svd") else 0.5
    settings = CombineSettings((0.6, 0.4), method, density, seed=3)
    found = combine(both, settings, tmp_path / "both")
    again = combine(both, settings, tmp_path / "again")
    assert 0.01 < found.distance < 3 and found.rank == 4
    first, second = (
        (folder / "adapter_model.safetensors").read_bytes() for folder in (tmp_path / "both", tmp_path / "again")
    )
    assert first == second and again.distance == found.distance
    card = json.loads((tmp_path / "both" / "assay.json").read_text())
    assert card["combined"]["method"] == method and len(card["combined"]["adapters"]) == 2
    assert len(card["data_digests"]) == 2
    assert updates(tmp_path / "both", base)


@pytest.mark.parametrize("method", ["svd", "ties", "dare_ties", "magnitude_prune", "ties_svd"])
def test_weights_below_zero_take_away(
    method: Method, make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    """a - a is nothing, by every method that takes such weights."""
    import torch

    base = make_base()
    a = make_adapter(tmp_path / "a", base, seed=1)
    density = None if method == "svd" else 1.0
    found = combine([trained_of(a), trained_of(a)], CombineSettings((0.9, -0.4), method, density), tmp_path / "less")
    less, whole = updates(tmp_path / "less", base), updates(a, base)
    cosines = [
        torch.nn.functional.cosine_similarity(less[name].flatten(), whole[name].flatten(), dim=0) for name in less
    ]
    print(method, found.distance, min(cosines))
    assert min(cosines) > 0.3


@pytest.mark.parametrize("method", ["cat", "ties"])
def test_weights_that_cancel_leave_no_adapter(
    method: Method, make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    a = trained_of(make_adapter(tmp_path / "a", make_base(), seed=1))
    density = 1.0 if method == "ties" else None
    with pytest.raises(ModelError, match="cancel one another"):
        combine([a, a], CombineSettings((1.0, -1.0), method, density), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_weight_of_zero_leaves_the_other(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    import torch

    base = make_base()
    folders = [make_adapter(tmp_path / name, base, seed=seed) for seed, name in enumerate("ab")]
    combine([trained_of(one) for one in folders], CombineSettings((0.0, 2.0)), tmp_path / "both")
    both, b = updates(tmp_path / "both", base), updates(folders[1], base)
    assert all(torch.allclose(both[name], 2 * b[name], atol=1e-5) for name in both)


def test_adapters_of_other_layers_are_combined_where_each_has_some(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    import torch

    base = make_base()
    a = make_adapter(tmp_path / "a", base, seed=1, target_modules=["q_proj"])
    b = make_adapter(tmp_path / "b", base, seed=2, target_modules=["q_proj", "up_proj"], r=2)
    found = combine([trained_of(a), trained_of(b)], CombineSettings((1.0, 0.5)), tmp_path / "both")
    assert found.distance < 1e-5
    alone, other, both = (updates(folder, base) for folder in (a, b, tmp_path / "both"))
    for name, update in both.items():
        wanted = 0.5 * other[name] + alone.get(name, 0)
        assert torch.allclose(update, wanted, atol=1e-5), name


def test_what_should_be_known_of_adapters_is_said(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    base = make_base()
    a = trained_of(make_adapter(tmp_path / "a", base, seed=1))
    b = trained_of(make_adapter(tmp_path / "b", base, seed=2, quantisation="nf4"))
    assert said_of([a, trained_of(make_adapter(tmp_path / "c", base, seed=3))]) == []
    (note,) = said_of([a, b])
    assert "trained over the base in bfloat16 and nf4" in note and "in bfloat16, as the first" in note
    assert said_of([a, a]) == ["one adapter is named twice"]


def test_a_combined_adapter_can_be_merged_in_turn(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    from assay.train.merging.merge import merge
    from assay.train.merging.settings import MergeSettings
    from assay.train.parity.checks import Outcome

    both = [trained_of(make_adapter(tmp_path / name, make_base(), seed=seed)) for seed, name in enumerate("ab")]
    combine(both, CombineSettings((1.0, 1.0)), tmp_path / "both")
    found = merge(trained_of(tmp_path / "both"), MergeSettings(dtype="float32"), tmp_path / "merged")
    assert found.parity.outcome is Outcome.PASS


def test_adapters_of_other_bases_ranks_and_kinds_are_refused(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    a = trained_of(make_adapter(tmp_path / "a", make_base()))
    other = trained_of(make_adapter(tmp_path / "other", make_base("qwen")))
    high = trained_of(make_adapter(tmp_path / "high", make_base(), r=8))
    dora = trained_of(make_adapter(tmp_path / "dora", make_base(), use_dora=True))
    whole = trained_of(make_adapter(tmp_path / "whole", make_base(), modules_to_save=["lm_head"]))
    out = tmp_path / "both"
    with pytest.raises(ModelError, match="combine adapters of one base"):
        combine([a, other], CombineSettings((1.0, 1.0)), out)
    with pytest.raises(SettingsError, match="adapters of one rank, and these have 4, 8"):
        combine([a, high], CombineSettings((1.0, 1.0), "linear"), out)
    with pytest.raises(ModelError, match="magnitudes"):
        combine([a, dora], CombineSettings((1.0, 1.0)), out)
    with pytest.raises(ModelError, match="whole modules"):
        combine([a, whole], CombineSettings((1.0, 1.0)), out)
    with pytest.raises(SettingsError, match="1 weights for 2 adapters"):
        combine([a, a], CombineSettings((1.0,)), out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"method": "ties"}, "nothing says how many"),
        ({"method": "cat", "density": 0.5}, "density means nothing"),
        ({"method": "ties", "density": 2.0}, "at most 1"),
        ({"method": "average"}, "no method 'average'"),
        ({"method": "linear", "weights": (1.0, -1.0)}, "none can be negative"),
        ({"weights": (0.0, 0.0)}, "nothing would be left"),
        ({"weights": (float("nan"), 1.0)}, "no number that can be multiplied by"),
        ({"weights": (1.0, float("inf"))}, "no number that can be multiplied by"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        CombineSettings(**({"weights": (1.0, 1.0)} | settings))
