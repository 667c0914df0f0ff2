"""Items of a suite that an adapter was trained on are found, by keys and without the training text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.errors import ModelError
from assay.evaluate.asking.leaks import adapter_card, find_leaks, prompts_of, training_prompts
from assay.evaluate.evaluation import Leak
from assay.suites import EvaluationText, prompt_keys


def texts(*prompts: str) -> list[EvaluationText]:
    return [EvaluationText("support", f"i{number}", prompt) for number, prompt in enumerate(prompts)]


def test_a_prompt_to_the_letter_and_one_but_for_case_and_punctuation() -> None:
    training = [("r1", prompt_keys("Where is my order?")), ("r2", prompt_keys("Cancel it."))]
    found = find_leaks(training, texts(" Where is my order?\n", "cancel IT", "Where is your order?"))
    assert found == (Leak("support", "i0", "r1", "exact"), Leak("support", "i1", "r2", "normalised"))


def test_prompts_without_a_word_match_nothing() -> None:
    assert find_leaks([("r1", prompt_keys(" ? "))], texts("", "!!")) == ()


def test_the_first_of_several_training_records_is_named() -> None:
    training = [("r1", prompt_keys("Hello")), ("r2", prompt_keys("Hello"))]
    assert [leak.record_id for leak in find_leaks(training, texts("Hello"))] == ["r1"]


def test_training_prompts_come_from_the_file_that_the_card_names(make_adapter: Callable[..., Path]) -> None:
    adapter = make_adapter("a", prompts={"r1": "Where is it?"})
    assert training_prompts(adapter) == [("r1", prompt_keys("Where is it?"))]


def test_without_card_or_without_records_it_is_not_known(tiny_adapter: Path, tmp_path: Path) -> None:
    adapter = Path(shutil.copytree(tiny_adapter, tmp_path / "a"))
    (adapter / "trained_records.parquet").unlink()
    assert training_prompts(adapter) is None
    (adapter / "assay.json").unlink()
    assert training_prompts(adapter) is None and adapter_card(adapter) is None


def test_damaged_records_and_a_damaged_card_are_one_line(tiny_adapter: Path, tmp_path: Path) -> None:
    adapter = Path(shutil.copytree(tiny_adapter, tmp_path / "a"))
    (adapter / "trained_records.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ModelError, match="cannot be read") as raised:
        training_prompts(adapter)
    assert "\n" not in str(raised.value)
    for text in ("{", "[]"):
        (adapter / "assay.json").write_text(text)
        with pytest.raises(ModelError, match=r"assay\.json: is not"):
            adapter_card(adapter)


def test_every_prompt_of_named_training_data_is_looked_for(tmp_path: Path) -> None:
    from assay.sources import ReadSettings, read

    rows = [
        {"messages": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "1"},
                      {"role": "user", "content": "Two?"}, {"role": "assistant", "content": "2"}]},
    ]  # fmt: skip
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    training = prompts_of(read([str(tmp_path / "data.jsonl")], ReadSettings()))
    found = find_leaks(training, texts("One?", "one? two", "Two?"))
    assert [(leak.item_id, leak.kind) for leak in found] == [("i0", "exact"), ("i1", "normalised")]
