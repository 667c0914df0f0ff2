"""One normalisation for leaks, equal prompts and families."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.records import Message, Record, Source, ToolCall, record_id
from assay.text import beginning, message_text, normalize, prompt_key, shortened, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What's the FEE?", "whats the fee"),
        ("a  b\n\tc", "A b, c!"),
        ("“quoted” – text…", "quoted text"),
        ("café", "cafe\u0301"),
        ("e-mail", "e mail"),
        ("Ｆｕｌｌ", "full"),
        ("你好！", "你好"),
    ],
)
def test_case_punctuation_and_white_space_do_not_count(one: str, other: str) -> None:
    assert normalize(one) == normalize(other)


@pytest.mark.parametrize(
    ("one", "other"), [("1.5", "15"), ("-5", "5"), ("C++", "C"), ("50%", "50"), ("5:30", "530"), ("$5", "5")]
)
def test_signs_that_carry_meaning_count(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


def test_scripts_without_spaces_give_one_word_a_character() -> None:
    assert words("GPT-4 は便利") == ["gpt", "4", "は", "便", "利"]


def test_the_prompt_key_holds_context_and_tools() -> None:
    def record(*messages: Message, tools: tuple[object, ...] = ()) -> Record:
        return Record(record_id(messages), "r", messages, Source("a", 1, 0), tools)

    user, answer = Message("user", "Hi there!"), Message("assistant", "Yes")
    assert prompt_key(record(user, answer)) == prompt_key(
        record(Message("user", "hi there"), Message("assistant", "No"))
    )
    assert prompt_key(record(user, answer)) != prompt_key(record(Message("system", "Be kind."), user, answer))
    assert prompt_key(record(user, answer)) != prompt_key(record(user, answer, tools=({"name": "f"},)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not (true and false)", "not (true) and false"),
        ("What is (2 + 3) 4?", "What is 2 + (3 4)?"),
        ("Are these balanced: [] ()", "Are these balanced: () []"),
    ],
)
def test_prompts_that_differ_in_brackets_ask_something_else(one: str, other: str) -> None:
    def record(text: str) -> Record:
        messages = (Message("user", text), Message("assistant", "Yes"))
        return Record(record_id(messages), "r", messages, Source("a", 1, 0))

    assert prompt_key(record(one)) != prompt_key(record(other))
    assert prompt_key(record(one)) == prompt_key(record(one.upper() + "!"))


def test_a_message_without_text_is_its_calls() -> None:
    assert message_text(Message("assistant", None, (ToolCall("f", {"b": 1, "a": 2}),))) == 'f {"a": 2, "b": 1}'


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ('{"intent": "returns", "reply": "You have 30 days."}', 42, '{"intent": "returns", "reply": "You have…'),
        ("You ordered it from Bramblewick Care.", 29, "You ordered it from…"),
        ("The desk is open", 10, "The desk…"),
        ("The desk is open", 11, "The desk is…"),
        ("The desk is open", 16, "The desk is open"),
        ("price:1,250.50", 12, "price:…"),
        ("你好你好你好", 4, "你好你好…"),
    ],
)
def test_a_text_is_cut_short_at_the_end_of_a_word(text: str, most: int, expected: str) -> None:
    assert shortened(text, most) == expected


@given(st.text(), st.integers(1, 40))
def test_what_is_cut_short_is_the_beginning_and_no_longer(text: str, most: int) -> None:
    cut = beginning(text, most)
    assert text.startswith(cut) and len(cut) <= most
