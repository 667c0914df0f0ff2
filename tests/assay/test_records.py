"""A record's id is its content: the same on any machine, other for any other content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.dataset import Dataset
from assay.records import Message, Record, Source, ToolCall, message_from_json, message_to_json, record_id, row_id

CHAT = (Message("user", "Where is my order?"), Message("assistant", "On its way."))
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}

messages = st.lists(
    st.builds(
        Message,
        role=st.sampled_from(["system", "user", "assistant", "tool"]),
        content=st.none() | st.text(),
        tool_calls=st.lists(
            st.builds(ToolCall, st.text(), st.dictionaries(st.text(), st.integers()), st.none() | st.text())
        ).map(tuple),
        train=st.none() | st.booleans(),
    ),
    max_size=4,
).map(tuple)


def test_the_id_is_pinned_so_that_every_machine_and_version_agrees() -> None:
    assert record_id(CHAT) == "219180382be3a0bb"


@pytest.mark.parametrize(
    "other",
    [
        (Message("user", "Where is my order"), CHAT[1]),
        (CHAT[0], Message("assistant", "On its way.", train=False)),
        (CHAT[0], Message("assistant", "On its way.", name="bot")),
        CHAT[:1],
    ],
)
def test_other_content_has_another_id(other: tuple[Message, ...]) -> None:
    assert record_id(other) != record_id(CHAT)


def test_tools_are_part_of_the_content() -> None:
    assert record_id(CHAT, [TOOL]) != record_id(CHAT)


def test_text_is_not_normalised_before_hashing() -> None:
    assert record_id([Message("user", "é")]) != record_id([Message("user", "e\u0301")])


@pytest.mark.parametrize("content", ["\ud800", "a" * 100_000, "\x00"])
def test_text_that_canonical_json_cannot_carry_still_has_an_id(content: str) -> None:
    assert len(record_id([Message("user", content)])) == 16


@pytest.mark.parametrize("argument", [float("nan"), float("inf"), 2**53, -(2**53), 2**80])
def test_numbers_that_canonical_json_cannot_carry_still_have_an_id(argument: float) -> None:
    call = ToolCall("f", {"x": argument})
    assert len(record_id([Message("assistant", None, (call,))])) == 16


@given(messages)
def test_messages_survive_json(chat: tuple[Message, ...]) -> None:
    assert tuple(message_from_json(message_to_json(message)) for message in chat) == chat


@given(messages)
def test_records_survive_the_arrow_table(chat: tuple[Message, ...]) -> None:
    record = Record(record_id(chat), "r", chat, Source("a.jsonl", 1, 0), meta={"k": [1, None]}, parents=("p",))
    assert list(Dataset.from_records([record]).records()) == [record]


def test_rows_of_one_file_and_same_rows_of_other_files_differ() -> None:
    assert len({row_id("a", 0), row_id("a", 1), row_id("b", 0)}) == 3


def test_the_answer_is_the_last_assistant_turn() -> None:
    chat = (*CHAT, Message("user", "Thanks"), Message("assistant", "Bye."), Message("user", "?"))
    record = Record("i", "r", chat, Source("a", None, 0))
    assert record.answer == "Bye."
    assert record.prompt == chat[:3]


def test_a_source_prints_as_a_place() -> None:
    assert str(Source("a.jsonl", 3, 2)) == "a.jsonl:3"
    assert str(Source("a.parquet", None, 2)) == "a.parquet row 2"


@given(messages)
def test_the_fast_way_to_hash_plain_conversations_gives_the_bytes_of_rfc_8785(drawn: tuple[Message, ...]) -> None:
    import hashlib

    import rfc8785

    plain = [Message(m.role, m.content, (), m.tool_call_id, m.name, m.train) for m in drawn]
    body = {"messages": [message_to_json(message) for message in plain], "tools": []}
    assert record_id(plain) == hashlib.sha256(rfc8785.dumps(body)).hexdigest()[:16]
