"""An adapter from elsewhere does not say whether it was trained over a base in four bits: that is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.evaluate.identity import Models
from assay.evaluate.models.unknown_precision import unknown_precision
from assay.evaluate.settings import EvaluateSettings


@pytest.fixture
def told(target: Any, make_adapter: Callable[..., Path]) -> Callable[..., str | None]:
    """told(base=None, card=False, **settings): of an adapter whose config names this base."""

    def of(base: str | None = None, *, card: bool = False, **settings: Any) -> str | None:
        adapter = make_adapter("a", card=card)
        if base is not None:
            config = json.loads((adapter / "adapter_config.json").read_text())
            (adapter / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": base}))
        return unknown_precision(Models(target, adapter), EvaluateSettings(**settings))

    return of


def test_it_is_told_with_the_setting_that_says_it(told: Callable[..., str | None]) -> None:
    said = told()
    assert said is not None and said.startswith("a has no assay.json, so in which precision its base was held")
    assert "here it is not quantised: evaluate.load_in_4bit=true" in said


def test_a_base_in_four_bits_that_the_config_names_is_told(told: Callable[..., str | None]) -> None:
    said = told("unsloth/Llama-3.1-8B-Instruct-bnb-4bit")
    assert said is not None and "was trained on unsloth/Llama-3.1-8B-Instruct-bnb-4bit by its own config" in said


def test_what_the_last_release_was_trained_in_is_no_word_of_the_candidate(
    target: Any, make_adapter: Callable[..., Path]
) -> None:
    last = make_adapter("last")
    card = json.loads((last / "assay.json").read_text())
    (last / "assay.json").write_text(json.dumps(card | {"quantisation": "nf4"}))
    said = unknown_precision(Models(target, make_adapter("a", card=False), last), EvaluateSettings())
    assert said is not None and "here it is in NF4, as the last release's was" in said


@pytest.mark.parametrize("settings", [{"load_in_4bit": False}, {"load_in_4bit": True}, {"backend": "openai"}])
def test_nothing_is_told_where_it_was_said_or_is_the_servers_affair(
    told: Callable[..., str | None], settings: dict[str, Any]
) -> None:
    assert told(**settings) is None


def test_nothing_is_told_of_an_adapter_that_says_it_itself(told: Callable[..., str | None]) -> None:
    assert told(card=True) is None
