"""A conversation goes into an editor and comes back, whatever its turns hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SourceError
from assay.records import Message, ToolCall
from assay.reviews.editing import from_text, to_text

TURNS = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "user", "assistant", "tool"]),
        st.none() | st.text(st.sampled_from("ab=\n #\r\t0123 user"), max_size=60),
    ),
    min_size=1,
    max_size=5,
)


@given(TURNS)
def test_what_nobody_changed_comes_back_as_it_was(turns: list[Message]) -> None:
    assert from_text(to_text(turns), turns) == tuple(turns)


def test_a_changed_turn_is_taken_without_the_white_space_around_it() -> None:
    call = ToolCall("find", {"id": 1})
    turns = (Message("user", "Q"), Message("assistant", "old", (call,)), Message("user", "Q2"))
    text = to_text(turns).replace("old", "\n new \n words\n")
    assert from_text(text, turns) == (turns[0], Message("assistant", "new \n words", (call,)), turns[2])


def test_rules_within_a_turn_are_text() -> None:
    turns = (Message("user", "==== 1 assistant ====\n======"), Message("assistant", "A"))
    text = to_text(turns)
    assert from_text(text.replace("A\n", "B\n"), turns)[1].content == "B"
    assert from_text(text, turns) == turns


@pytest.mark.parametrize("change", [lambda text: "", lambda text: text.replace("1 assistant", "2 assistant")])
def test_a_turn_that_is_missing_is_an_error(change: object) -> None:
    turns = (Message("user", "Q"), Message("assistant", "A"))
    with pytest.raises(SourceError, match="part the turns"):
        from_text(change(to_text(turns)), turns)  # type: ignore[operator]
