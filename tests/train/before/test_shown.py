"""Which records are shown as they will train, and how one is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.records import Message
from assay.train.before.shown import find, three
from assay.train.prepared import Prepared, prepare
from assay.train.settings import TrainSettings

Make = Callable[..., Dataset]


@pytest.fixture
def prepared(make_colours: Make, target: ChatTarget) -> Prepared:
    return prepare(make_colours(12, 3), TrainSettings(), target)


def test_three_records_from_the_shortest_to_the_longest(prepared: Prepared, target: ChatTarget) -> None:
    shown = three(prepared.rows, target)
    lengths = sorted(len(row.input_ids) for row in prepared.rows.training)
    assert [example.tokens for example in shown] == [lengths[0], lengths[6], lengths[11]]
    assert all(example.stop == "<|im_end|>" and example.source.startswith("records.jsonl:") for example in shown)


def test_fewer_than_three_are_shown_once_each(make_colours: Make, target: ChatTarget) -> None:
    assert len(three(prepare(make_colours(1), TrainSettings(), target).rows, target)) == 1
    assert len(three(prepare(make_colours(2), TrainSettings(), target).rows, target)) == 2


def test_what_is_between_brackets_is_what_the_labels_say(prepared: Prepared, target: ChatTarget) -> None:
    row = prepared.rows.training[4]
    (drawn,) = find(prepared.rows, target, row.record_id)
    trained = "".join(part.text for part in drawn.parts if part.trained)
    assert trained == target.tokenizer.decode([label for label in row.labels if label != -100])
    assert "".join(part.text for part in drawn.parts) == target.tokenizer.decode(row.input_ids)
    assert f"[[{trained}]]" in drawn.text()
    assert drawn.trained_tokens == row.trained_tokens


@pytest.mark.parametrize("name", ["records.jsonl:14", "records.jsonl row 13"])
def test_a_record_is_found_by_its_place(name: str, prepared: Prepared, target: ChatTarget) -> None:
    (drawn,) = find(prepared.rows, target, name)
    assert (drawn.source, drawn.split) == ("records.jsonl:14", "validation")


def test_what_does_not_train_says_why(make_colours: Make, target: ChatTarget) -> None:
    records = [*make_colours(6).records()]
    long = dataclasses.replace(records[0].with_messages([Message("user", "x" * 600), Message("assistant", "red")]))
    data = Dataset.from_records([long, *records[1:]])
    rows = prepare(data, TrainSettings(truncation="drop"), target).rows
    with pytest.raises(SettingsError, match=r"records.jsonl:1 does not train: over_long"):
        find(rows, target, "records.jsonl:1")
    with pytest.raises(SettingsError, match=r"there is no record records\.jsonl:99; give a record id"):
        find(rows, target, "records.jsonl:99")


def test_long_stretches_of_an_example_are_abridged_and_of_a_named_one_not(
    make_colours: Make, target: ChatTarget
) -> None:
    record = next(make_colours(1).records())
    long = record.with_messages([Message("user", "x" * 400), Message("assistant", "red")])
    rows = prepare(Dataset.from_records([long]), TrainSettings(), target).rows
    (example,) = three(rows, target)
    assert "characters ...]" in example.text(100, 100) and len(example.text(100, 100)) < 300
    assert "x" * 400 in example.text()
