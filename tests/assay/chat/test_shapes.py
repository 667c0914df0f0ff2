"""A conversation is its shape and its contents: nothing is lost, and nothing else is in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.chat.shapes import conversation, outline
from assay.records import Message, ToolCall

texts = st.text(max_size=12) | st.sampled_from(
    ["<think>\nhm\n</think>\n\nso", "</think>", "<think>a", " x ", "call00001"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
ids = st.none() | st.text("abc0123456789", max_size=14)
calls = st.builds(ToolCall, texts, values, ids)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.none() | texts,
    st.lists(calls, max_size=2).map(tuple),
    ids,
    st.none() | st.just("look"),
    st.sampled_from([None, True, False]),
)


def written(items: list[Message]) -> str:
    """1 and True and 1.0 are equal, and not the same."""
    return repr(items)


@given(st.lists(messages, max_size=4))
def test_shape_and_contents_are_the_conversation(items: list[Message]) -> None:
    found = outline(items)
    if found is not None:
        assert written(conversation(found.shape, found.contents)[0]) == written(items)
        hash(found.shape)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), (0.0, -0.0), (0, 0.0), ("", None), ([], {}), (1, 1.0), ("1", 1), ({"a": 1}, {"b": 1})],
)
def test_values_that_are_written_otherwise_are_other_shapes(one: Any, other: Any) -> None:
    shapes = [outline([Message("assistant", None, (ToolCall("f", value),))]) for value in (one, other)]
    assert shapes[0] is not None and shapes[1] is not None and shapes[0].shape != shapes[1].shape


def test_thinking_and_answer_are_contents_by_themselves() -> None:
    found = outline([Message("assistant", "<think>\nA map.\n</think>\n\nThe Saone.")])
    assert found is not None and found.contents == ["A map.", "The Saone."]


def test_equal_ids_are_one_content() -> None:
    def pair(first: str, second: str) -> list[Message]:
        return [Message("assistant", None, (ToolCall("f", {}, first),)), Message("tool", "so", tool_call_id=second)]

    same, other = outline(pair("call-abc-1", "call-abc-1")), outline(pair("call-abc-1", "call-abc-2"))
    assert same is not None and other is not None
    assert same.contents == ["call-abc-1", "so"] and other.contents == ["call-abc-1", "so", "call-abc-2"]
    assert same.shape != other.shape


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("value", [deep(200), 10**30, float("inf"), " " * 50 + "x", {1: 2}], ids=str)
def test_what_is_too_odd_has_no_shape(value: Any) -> None:
    assert outline([Message("assistant", None, (ToolCall("f", value),))]) is None
