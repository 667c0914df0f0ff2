"""A tokenizer with more tokens than the embedding has rows: refused where a record needs one, said where none does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.chat import ChatTarget, load_target
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.train.prepared import Prepared, prepare
from assay.train.settings import TrainSettings
from tests.train.conftest import make_model, record

EXTRA = 200


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> ChatTarget:
    """320 rows, and a tokenizer with 200 tokens more than it was made with."""
    from transformers import AutoTokenizer

    folder = make_model(tmp_path_factory.mktemp("larger") / "model")
    (folder / "model.safetensors").unlink()  # whatever needs weights fails
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"<extra{number}>" for number in range(EXTRA)])
    tokenizer.save_pretrained(folder)
    return load_target(str(folder), offline=True)


def prepared(target: ChatTarget, prompt: str, **settings: Any) -> Prepared:
    data = Dataset.from_records(record(number, f"{prompt} {number}?", "red") for number in range(12))
    return prepare(data, TrainSettings(load_in_4bit=False, device="cpu", validation=0.0, **settings), target)


def test_a_record_with_a_token_that_has_no_row_is_refused_without_weights(larger: ChatTarget, tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        prepared(larger, "<extra199> colour")
    assert "12 records have tokens that the embedding of 320 rows does not, such as '<extra199>' (" in str(caught.value)
    assert "take the tokenizer that belongs to this base" in str(caught.value)


def test_tokens_that_no_record_has_are_a_warning(larger: ChatTarget) -> None:
    (warning,) = [said for said in prepared(larger, "colour").rows.warnings if "rows" in said]
    assert warning.startswith("the tokenizer knows 459 tokens and the embedding has 320 rows")


def test_rows_to_spare_are_usual(target: ChatTarget) -> None:
    assert not [said for said in prepared(target, "colour").rows.warnings if "rows" in said]


def test_new_tokens_are_none_of_them(target: ChatTarget) -> None:
    many = tuple(f"<new{number}>" for number in range(70))
    data = Dataset.from_records(record(number, f"{''.join(many)} {number}?", "red") for number in range(12))
    settings = TrainSettings(load_in_4bit=False, device="cpu", validation=0.0, new_tokens=many, max_length=512)
    assert not [said for said in prepare(data, settings, target).rows.warnings if "rows" in said]
