"""Two evaluations are compared only where nothing but the adapter differs; what differs is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.release.comparable import differences, suite_differences


@pytest.fixture
def evaluation(synthetic: Callable[..., Evaluation], suite: Any) -> Evaluation:
    return synthetic(suite("facts", n=20), settings={"num_fewshot": 0, "batch_tokens": 4096})


def with_base(evaluation: Evaluation, **changed: Any) -> Evaluation:
    base = evaluation.identity["base"]
    assert isinstance(base, dict)
    return replace(evaluation, identity={**evaluation.identity, "base": {**base, **changed}})


def test_another_adapter_alone_is_comparable(evaluation: Evaluation) -> None:
    other = replace(evaluation, identity={**evaluation.identity, "adapter": {"a": "f" * 64}, "seed": 7})
    assert differences(evaluation, other) == []
    assert suite_differences(evaluation.suites[0], other.suites[0]) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"quantisation": "nf4"}, "quantisation (none and nf4)"),
        ({"dtype": "bfloat16"}, "data type (none and bfloat16)"),
        ({"weights_sha256": "a" * 64}, "weights of the base (11111111 and aaaaaaaa)"),
    ],
)
def test_another_base_or_precision_is_named(evaluation: Evaluation, changed: dict[str, Any], named: str) -> None:
    assert differences(evaluation, with_base(evaluation, **changed)) == [named]


def test_the_same_weights_under_another_name_are_the_same_base(evaluation: Evaluation) -> None:
    assert differences(evaluation, with_base(evaluation, name="renamed", revision="r2")) == []


@pytest.mark.parametrize(
    ("key", "named"), [("template_sha256", "chat template"), ("tokenizer_sha256", "tokenizer"), ("device", "device")]
)
def test_template_tokenizer_and_device_are_named(evaluation: Evaluation, key: str, named: str) -> None:
    other = replace(evaluation, identity={**evaluation.identity, key: "b" * 64})
    assert [found.partition(" (")[0] for found in differences(evaluation, other)] == [named]


def test_settings_that_change_scores_are_named_and_others_are_not(evaluation: Evaluation) -> None:
    other = replace(evaluation, settings={**evaluation.settings, "num_fewshot": 5, "damaged_items": 3})
    assert differences(evaluation, other) == ["num_fewshot (0 and 5)"]


def test_data_and_scorer_of_a_suite_are_named(evaluation: Evaluation) -> None:
    ours = evaluation.suites[0]
    theirs = replace(ours, data_sha256="c" * 64, scorer={"name": "contains", "ignore_case": False})
    assert suite_differences(ours, theirs) == [
        "data of facts (00000000 and cccccccc)",
        "ignore_case of the scorer of facts (none and False)",
        "scorer of facts (exact_match and contains)",
    ]
