"""Answers without a token of their own are refused where there are no others, and counted where there are."""

from __future__ import annotations

import pytest

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.train.prepared import Prepared, prepare
from assay.train.settings import TrainSettings
from tests.train.conftest import record


def prepared(target: ChatTarget, *answers: str) -> Prepared:
    data = Dataset.from_records(record(number, f"colour {number}?", answer) for number, answer in enumerate(answers))
    return prepare(data, TrainSettings(load_in_4bit=False, device="cpu", validation=0.0), target)


def test_records_whose_answers_are_all_empty_are_refused(target: ChatTarget) -> None:
    with pytest.raises(
        TrainingError, match=r"none of the 3 records has an answer.*end its turn at once; `assay audit`"
    ):
        prepared(target, "", "", "")


def test_some_empty_answers_are_a_line(target: ChatTarget) -> None:
    assert "1 of 3 training records have no answer but the token that ends it" in prepared(
        target, "red", "", "blue"
    ).rows.warnings  # fmt: skip


def test_answers_of_one_token_are_answers(target: ChatTarget) -> None:
    assert not [said for said in prepared(target, "1", "2", "3").rows.warnings if "no answer" in said]
