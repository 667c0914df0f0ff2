"""A sweep varies what it is told to vary, picks by one half of the items, and does not pick what forgot."""

from __future__ import annotations

import pytest

from assay.errors import SettingsError
from assay.pipeline.sweep import Axis, Candidate, axes_of, choose, combinations


def candidate(name: str, domain: float, general: float | None = 0.0, loss: float | None = None) -> Candidate:
    return Candidate((f"train.lora_r={name}",), f"train-{name}", domain, general, loss, 1.0)


def test_what_has_several_values_is_varied_and_the_rest_is_set() -> None:
    axes, fixed = axes_of(["train.lora_r=8,16", "train.seed=1", "gate.policy=a,b", "train.learning_rate=2e-4, 1e-3"])
    assert axes == (Axis("train.lora_r", ("8", "16")), Axis("train.learning_rate", ("2e-4", "1e-3")))
    assert fixed == ("train.seed=1", "gate.policy=a,b")
    assert combinations(axes) == [
        ("train.lora_r=8", "train.learning_rate=2e-4"),
        ("train.lora_r=8", "train.learning_rate=1e-3"),
        ("train.lora_r=16", "train.learning_rate=2e-4"),
        ("train.lora_r=16", "train.learning_rate=1e-3"),
    ]


def test_a_list_is_one_value() -> None:
    axes, fixed = axes_of(
        ["train.lora_target_modules=[q_proj,v_proj],all-linear", "train.general_data=[a.jsonl,b.jsonl]"]
    )
    assert axes == (Axis("train.lora_target_modules", ("[q_proj,v_proj]", "all-linear")),)
    assert fixed == ("train.general_data=[a.jsonl,b.jsonl]",)


@pytest.mark.parametrize("given", [[], ["train.lora_r=8"], ["train.lora_r=8,8"], ["curate.min_records=1,2"]])
def test_a_sweep_of_nothing_is_refused(given: list[str]) -> None:
    with pytest.raises(SettingsError, match="nothing is varied"):
        axes_of(given)


def test_a_search_is_refused() -> None:
    with pytest.raises(SettingsError, match="36 combinations"):
        axes_of(["train.lora_r=1,2,3,4,5,6", "train.seed=1,2,3,4,5,6"])


def test_the_best_on_the_domain_is_chosen_of_those_that_kept_their_general_ability() -> None:
    forgot, modest, good = candidate("32", 0.9, -0.2), candidate("8", 0.5, 0.01), candidate("16", 0.7, -0.01)
    assert choose([forgot, modest, good], margin=0.02) == (good, True)


def test_where_all_forgot_the_one_that_lost_least_goes_to_the_gate() -> None:
    worse, better = candidate("32", 0.9, -0.2), candidate("8", 0.5, -0.1)
    assert choose([worse, better], margin=0.02) == (better, False)


def test_among_equals_the_lower_validation_loss_is_chosen() -> None:
    first, second = candidate("8", 0.5, None, 1.2), candidate("16", 0.5, None, 1.1)
    assert choose([first, second], margin=0.02) == (second, True)
