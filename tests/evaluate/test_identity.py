"""Adapters from elsewhere: what their own config says of the base is compared, and said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.evaluate.identity import Models, check_adapters


@pytest.fixture
def said(target: Any, make_adapter: Callable[..., Path]) -> Callable[..., list[str]]:
    """What is said of an adapter without a card whose config names `base`, scored on a model called `name`."""

    def check(base: str | None, name: str, *, training: Any = None) -> list[str]:
        adapter = make_adapter("elsewhere", card=False)
        path = adapter / "adapter_config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**config, "base_model_name_or_path": base}), encoding="utf-8")
        named = replace(target, ref=replace(target.ref, name=name))
        lines: list[str] = []
        check_adapters(Models(named, adapter, training=training), lines.append)
        return [line.replace(str(adapter), "ADAPTER") for line in lines]

    return check


@pytest.mark.parametrize(
    "base", ["unsloth/Llama-3-8B-bnb-4bit", "/home/me/models/llama-3-8b/", "unsloth/llama-3-8b-unsloth-bnb-4bit"]
)
def test_a_local_path_or_a_4_bit_copy_of_the_base_is_a_note(said: Callable[..., list[str]], base: str) -> None:
    lines = said(base, "meta-llama/Llama-3-8B")
    assert f"note: ADAPTER names {base} as its base, and is scored on meta-llama/Llama-3-8B" in lines


def test_another_base_is_a_warning(said: Callable[..., list[str]]) -> None:
    lines = said("mistralai/Mistral-7B-v0.3", "meta-llama/Llama-3-8B")
    assert lines[-1] == (
        "WARNING: ADAPTER was trained on mistralai/Mistral-7B-v0.3 by its own config, and is scored on "
        "meta-llama/Llama-3-8B"
    )


def test_the_same_name_or_none_is_nothing_to_say(said: Callable[..., list[str]]) -> None:
    for base in ("meta-llama/Llama-3-8B", None):
        lines = said(base, "meta-llama/Llama-3-8B")
        assert len(lines) == 1 and "leaks are too; --training-data names it" in lines[0]


def test_named_training_data_ends_the_doubt(said: Callable[..., list[str]]) -> None:
    assert said(None, "x", training=object()) == []


def test_the_folder_in_which_a_base_lies_is_its_name_too(
    target: Any, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    """As with the embedded model, whose folder is named by more than its name."""
    adapter = make_adapter("elsewhere", card=False)
    named = replace(target, ref=replace(target.ref, name="smollm2-135m-instruct"))
    lines: list[str] = []
    check_adapters(Models(named, adapter), lines.append)
    assert len(lines) == 1 and "leaks are too" in lines[0]
