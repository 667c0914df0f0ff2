"""What the loss is computed on: all answers, those not marked train: false, or the last alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from assay.chat import IGNORED, ChatTarget
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.records import Message, record_id
from assay.train.rows import encode_rows
from assay.train.settings import TrainSettings

TURNS = (
    Message("system", "be brief"),
    Message("user", "one?"),
    Message("assistant", "first"),
    Message("user", "two?"),
    Message("assistant", "second"),
    Message("user", "three?"),
    Message("assistant", "third"),
)


def trained_text(turns: tuple[Message, ...], target: ChatTarget, make: Callable[..., Dataset], **settings: bool) -> str:
    """The text behind the labels of a conversation."""
    record = dataclasses.replace(next(iter(make(1).records())), messages=turns, id=record_id(turns))
    (row,) = encode_rows(Dataset.from_records([record]), TrainSettings(**settings), target).training  # type: ignore[arg-type]
    return str(target.tokenizer.decode([label for label in row.labels if label != IGNORED]))


def test_every_answer_of_a_conversation_trains(target: ChatTarget, make_colours: Callable[..., Dataset]) -> None:
    assert trained_text(TURNS, target, make_colours) == "first<|im_end|>second<|im_end|>third<|im_end|>"


def test_completion_only_trains_the_last_answer(target: ChatTarget, make_colours: Callable[..., Dataset]) -> None:
    assert trained_text(TURNS, target, make_colours, completion_only_loss=True) == "third<|im_end|>"


def test_answers_marked_out_do_not_train(target: ChatTarget, make_colours: Callable[..., Dataset]) -> None:
    marked = tuple(dataclasses.replace(m, train=False) if m.content in ("first", "third") else m for m in TURNS)
    assert trained_text(marked, target, make_colours) == "second<|im_end|>"
    assert trained_text(marked, target, make_colours, completion_only_loss=True) == "second<|im_end|>"


def test_the_whole_text_trains_where_prompts_are_asked_for(
    target: ChatTarget, make_colours: Callable[..., Dataset]
) -> None:
    text = trained_text(TURNS, target, make_colours, assistant_only_loss=False)
    assert text.startswith("<|im_start|>system\nbe brief<|im_end|>")


def test_prompts_too_and_the_last_answer_alone_contradict_each_other() -> None:
    with pytest.raises(SettingsError, match="leave one of them out"):
        TrainSettings(assistant_only_loss=False, completion_only_loss=True)
