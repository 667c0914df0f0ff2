"""Columns that the user names."""

import pytest

from assay.errors import SettingsError
from assay.formats import Unreadable
from assay.formats.mapping import column_mapping
from assay.records import Message


def read(columns: dict[str, str], row: dict[str, object], form: str = "auto") -> tuple[Message, ...]:
    mapping = column_mapping(columns, form)
    assert mapping is not None
    mapped = mapping.apply(row)
    found = mapping.form_of(mapped.row)
    assert found is not None
    return found.read(mapped.row).messages


PAIR = (Message("user", "Where is it?"), Message("assistant", "card_arrival"))


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ({"prompt": "text", "answer": "category"}, {"text": "Where is it?", "category": "card_arrival"}),
        ({"instruction": "text", "output": "category"}, {"text": "Where is it?", "category": "card_arrival"}),
        ({"answer": "category"}, {"question": "Where is it?", "category": "card_arrival"}),
        (
            {"messages": "log"},
            {"log": [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "card_arrival"}]},
        ),
        (
            {"messages": "log"},
            {"log": [{"from": "human", "value": "Where is it?"}, {"from": "gpt", "value": "card_arrival"}]},
        ),
    ],
)
def test_named_columns_are_read(columns: dict[str, str], row: dict[str, object]) -> None:
    assert read(columns, row) == PAIR


def test_numbers_in_a_named_column_are_text() -> None:
    row = {"text": "How many?", "label": 3}
    assert read({"prompt": "text", "answer": "label"}, row)[1].content == "3"


def test_a_missing_column_is_named() -> None:
    with pytest.raises(Unreadable, match="no column 'text'"):
        read({"prompt": "text", "answer": "category"}, {"Text": "a", "category": "b"})


def test_a_column_whose_name_the_mapping_takes_is_set_aside_for_meta() -> None:
    mapping = column_mapping({"prompt": "text", "answer": "category"}, "auto")
    assert mapping is not None
    mapped = mapping.apply({"text": "a", "category": "b", "prompt": "rendered"})
    assert mapped.row == {"prompt": "a", "answer": "b"}
    assert mapped.aside == {"prompt": "rendered"}


@pytest.mark.parametrize(
    ("columns", "form", "said"),
    [
        ({"promt": "text"}, "auto", "did you mean 'prompt'"),
        ({"prompt": "a", "instruction": "b"}, "auto", "both name the prompt"),
        ({"history": "h"}, "prompt_completion", "has no 'history'"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_an_error(columns: dict[str, str], form: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        column_mapping(columns, form)
