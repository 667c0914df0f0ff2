"""What trains is what the data says, every row has a fate, and what must not train stops the run before it starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from assay.chat import IGNORED, ChatTarget
from assay.dataset import Dataset
from assay.errors import SettingsError, SourceError, TrainingError
from assay.records import Message
from assay.train.prepared import prepare
from assay.train.rows import encode_rows, padding_token
from assay.train.settings import TrainSettings

Make = Callable[..., Dataset]


def changed(data: Dataset, **values: object) -> Dataset:
    """The first record with other values."""
    first, *rest = data.records()
    return Dataset.from_records([dataclasses.replace(first, **values), *rest])  # type: ignore[arg-type]


def long_answer(data: Dataset) -> Dataset:
    first, *rest = data.records()
    longer = first.with_messages([first.messages[0], Message("assistant", "a" * 300)])
    return Dataset.from_records([longer, *rest])


def test_the_loss_is_on_the_answer_and_its_stop_token_alone(make_colours: Make, target: ChatTarget) -> None:
    rows = encode_rows(make_colours(1), TrainSettings(), target)
    trained = [token for token in rows.training[0].labels if token != IGNORED]
    assert target.tokenizer.decode(trained) == "red<|im_end|>"


def test_the_whole_text_trains_where_that_is_asked_for(make_colours: Make, target: ChatTarget) -> None:
    row = encode_rows(make_colours(1), TrainSettings(assistant_only_loss=False), target).training[0]
    assert row.labels == row.input_ids


def test_marks_that_whole_texts_do_not_heed_are_said(make_colours: Make, target: ChatTarget) -> None:
    first, *others = make_colours(4).records()
    messages = [Message("user", "a"), Message("assistant", "bad", train=False), *first.messages]
    data = Dataset.from_records([first.with_messages(messages), *others])
    whole = encode_rows(data, TrainSettings(assistant_only_loss=False), target)
    assert "marked `train: false` of 1 records too" in whole.warnings[0]
    assert not encode_rows(data, TrainSettings(), target).warnings


def test_the_split_column_decides_what_validates(make_colours: Make, target: ChatTarget) -> None:
    rows = encode_rows(make_colours(6, 2), TrainSettings(), target)
    assert (len(rows.training), len(rows.validation)) == (6, 2)
    table = rows.trained_records()
    assert table.column("split").to_pylist() == ["train"] * 6 + ["validation"] * 2
    assert set(table.column("row_id").to_pylist()) == set(make_colours(6, 2).row_ids())


def test_rows_of_another_split_are_held_and_accounted_for(make_colours: Make, target: ChatTarget) -> None:
    rows = encode_rows(changed(make_colours(3), split="test"), TrainSettings(), target)
    assert rows.ledger.counts() == {"read": 3, "kept": 2, "repaired": 0, "dropped": 0, "held": 1}


def test_answers_that_would_be_cut_stop_the_run_and_name_the_place(make_colours: Make, target: ChatTarget) -> None:
    with pytest.raises(TrainingError, match=r"records.jsonl:1: 1 records are longer than 128 tokens"):
        encode_rows(long_answer(make_colours(3)), TrainSettings(max_length=128), target)


def test_over_long_records_can_be_left_out(make_colours: Make, target: ChatTarget) -> None:
    rows = encode_rows(long_answer(make_colours(3)), TrainSettings(max_length=128, truncation="drop"), target)
    assert len(rows.training) == 2
    assert rows.ledger.counts()["dropped"] == 1
    assert "left out" in rows.warnings[0]


def test_over_long_records_can_be_cut(make_colours: Make, target: ChatTarget) -> None:
    rows = encode_rows(long_answer(make_colours(3)), TrainSettings(max_length=128, truncation="truncate"), target)
    assert len(rows.training) == 3
    assert rows.longest == 128
    assert rows.ledger.counts()["repaired"] == 1


def test_the_context_of_the_model_limits_too(make_colours: Make, target: ChatTarget) -> None:
    first, *rest = make_colours(3).records()
    longer = first.with_messages([first.messages[0], Message("assistant", "a" * 600)])
    with pytest.raises(TrainingError, match="longer than 512 tokens"):
        encode_rows(Dataset.from_records([longer, *rest]), TrainSettings(), target)


def test_a_family_on_both_sides_is_refused(make_colours: Make, target: ChatTarget) -> None:
    last = list(make_colours(3, 1).records())[-1]
    with pytest.raises(TrainingError, match="in training and in validation"):
        encode_rows(changed(make_colours(3, 1), family=last.family), TrainSettings(), target)


def test_a_record_on_both_sides_is_refused_where_there_are_no_families(make_colours: Make, target: ChatTarget) -> None:
    records = [dataclasses.replace(record, family="") for record in make_colours(2).records()]
    copy = dataclasses.replace(records[0], row_id="copy", split="validation")
    with pytest.raises(TrainingError, match="in training and in validation"):
        encode_rows(Dataset.from_records([*records, copy]), TrainSettings(), target)


def test_no_record_to_train_on_is_one_line(target: ChatTarget, make_colours: Make) -> None:
    with pytest.raises(SourceError, match="no record to train on"):
        encode_rows(Dataset.from_records([]), TrainSettings(), target)
    with pytest.raises(SourceError, match="no record to train on"):
        encode_rows(make_colours(0, 3), TrainSettings(), target)


def test_records_that_are_masked_away_are_refused_with_their_place(make_colours: Make, target: ChatTarget) -> None:
    first, *rest = make_colours(2).records()
    silent = first.with_messages([first.messages[0], dataclasses.replace(first.messages[1], train=False)])
    with pytest.raises(TrainingError, match=r"records.jsonl:1: 1 records cannot be trained on"):
        encode_rows(Dataset.from_records([silent, *rest]), TrainSettings(), target)


def test_a_data_set_of_one_record_has_a_recipe(make_colours: Make, target: ChatTarget) -> None:
    recipe = prepare(make_colours(1), TrainSettings(), target).recipe
    assert (recipe.effective_batch_size, recipe.steps, recipe.early_stopping_patience) == (1, 2, 0)


@pytest.mark.parametrize("token", ["<|im_end|>", "eos_token"])
def test_padding_with_the_token_that_ends_turns_is_refused_and_the_replacement_named(
    token: str, target: ChatTarget
) -> None:
    with pytest.raises(SettingsError, match=r"never learns to stop; leave pad_token out; '<\|pad\|>'"):
        padding_token(TrainSettings(pad_token=token), target)


def test_another_padding_token_is_taken_and_an_unknown_one_refused(target: ChatTarget) -> None:
    assert padding_token(TrainSettings(pad_token="<|pad|>"), target) == target.pad_token_id
    with pytest.raises(SettingsError, match="not in the vocabulary"):
        padding_token(TrainSettings(pad_token="<pad>"), target)
