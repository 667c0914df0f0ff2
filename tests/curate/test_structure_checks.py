"""Checks of a record's form: turns, roles, tool calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.curate.check import CHECKS, Context
from assay.records import Message, Record, ToolCall

Make = Callable[..., Record]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"type": "string", "enum": ["C", "F"]},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["city"],
        },
    },
}


def messages_of(name: str, record: Record) -> list[str]:
    return [finding.message for finding in CHECKS.get(name).function(record, Context([record]))]


def turn(role: str, content: str | None = "x", **rest: Any) -> Message:
    return Message(role, content, **rest)


@pytest.mark.parametrize(
    "roles",
    [
        "user assistant",
        "system user assistant user assistant",
        "developer user assistant",
        "user assistant tool assistant",
    ],
)
def test_ordinary_conversations_are_in_order(make: Make, roles: str) -> None:
    assert messages_of("role_order", make(*(turn(role) for role in roles.split()))) == []


@pytest.mark.parametrize(
    ("roles", "says"),
    [
        ("user assistant assistant", "two assistant turns in a row"),
        ("user user assistant", "two user turns in a row"),
        ("assistant user assistant", "starts with a turn of the assistant"),
        ("user system assistant", "a system turn in the middle"),
        ("user assistant user", "ends with a user turn"),
        ("user assistant tool", "ends with a tool turn"),
        ("user assistant tool user assistant", "followed by the user"),
    ],
)
def test_turns_out_of_order_are_found(make: Make, roles: str, says: str) -> None:
    found = messages_of("role_order", make(*(turn(role) for role in roles.split())))
    assert len(found) == 1
    assert says in found[0]


def test_a_conversation_without_an_answer_is_reported_once(make: Make) -> None:
    record = make(turn("user"))
    assert messages_of("no_answer", record) == ["there is no assistant turn"]
    assert messages_of("role_order", record) == []


@pytest.mark.parametrize("content", ["", "  \n", None])
def test_empty_turns_are_found(make: Make, content: str | None) -> None:
    assert len(messages_of("empty_turn", make(turn("user"), turn("assistant", content)))) == 1


def test_a_turn_that_only_calls_a_tool_is_not_empty(make: Make) -> None:
    assert messages_of("empty_turn", make("hi", turn("assistant", None, tool_calls=(ToolCall("f", {}),)))) == []


def test_unknown_roles_are_found(make: Make) -> None:
    assert "'narrator'" in messages_of("unknown_role", make("hi", turn("narrator"), turn("assistant")))[0]


def call(make: Make, arguments: Any, name: str = "get_weather", tools: list[Any] | None = None) -> list[str]:
    record = make(
        "weather?",
        turn("assistant", None, tool_calls=(ToolCall(name, arguments, "c1"),)),
        turn("tool", "rain", tool_call_id="c1"),
        turn("assistant", "It rains."),
        tools=[WEATHER] if tools is None else tools,
    )
    return messages_of("tool_call_schema", record)


@pytest.mark.parametrize(
    "arguments",
    [{"city": "Oslo"}, {"city": "Oslo", "days": 3, "unit": "C", "tags": ["a"]}, {"city": "Oslo", "days": 3.0}],
)
def test_calls_that_fit_the_declaration_pass(make: Make, arguments: Any) -> None:
    assert call(make, arguments) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "the argument 'city' is missing"),
        ({"city": "Oslo", "town": "x"}, "the argument 'town' is not declared"),
        ({"city": 5}, "'city' is integer, but should be string"),
        ({"city": "Oslo", "days": "three"}, "'days' is string, but should be integer"),
        ({"city": "Oslo", "days": True}, "'days' is boolean"),
        ({"city": "Oslo", "unit": "K"}, "none of C, F"),
        ({"city": "Oslo", "tags": ["a", 1]}, "an item of 'tags' is integer"),
        ("{city: Oslo", "do not parse"),
        (None, "do not parse"),
    ],
)
def test_calls_that_do_not_fit_are_found(make: Make, arguments: Any, says: str) -> None:
    found = call(make, arguments)
    assert len(found) == 1
    assert says in found[0]


def test_a_tool_that_is_not_declared_is_found(make: Make) -> None:
    assert "declared are get_weather" in call(make, {}, name="get_news")[0]
    assert "declares no tools" in call(make, {}, tools=[])[0]


def test_a_tool_result_without_a_call_is_found(make: Make) -> None:
    record = make("hi", "hello", turn("tool", "42"), turn("assistant", "ok"))
    assert messages_of("tool_call_schema", record) == ["a tool result without a call (message 2)"]


@pytest.mark.parametrize("schema", [None, 5, {}, {"properties": None}, {"required": "city", "properties": {"a": 1}}])
def test_odd_declarations_never_make_the_check_fail(make: Make, schema: Any) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}, "not a tool", {"name": 3}]
    call(make, {"a": 1}, name="f", tools=tools)


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u200b", "\ufeff \u00a0"])
def test_a_turn_of_invisible_characters_is_empty(make: Make, blank: str) -> None:
    assert len(messages_of("empty_turn", make("hi", blank))) == 1
    assert len(messages_of("empty_turn", make(blank, "hi"))) == 1
    assert messages_of("surrounding_white_space", make("hi", blank)) == []


def test_white_space_around_a_turn_is_found_and_trimmed(make: Make) -> None:
    check = CHECKS.get("surrounding_white_space")
    record = make("hi", "\ufeff Paris.\u200b\n")
    assert len(messages_of("surrounding_white_space", record)) == 1
    assert check.repair is not None
    repaired = check.repair(record)
    assert repaired.answer == "Paris."
    assert messages_of("surrounding_white_space", repaired) == []


def test_white_space_between_the_text_of_a_turn_and_its_tool_calls_stays(make: Make) -> None:
    calls = (ToolCall("weather", {"city": "Rome"}),)
    thought = "<think>\nThe weather tool knows.\n</think>\n\n"
    check = CHECKS.get("surrounding_white_space")
    assert messages_of("surrounding_white_space", make("hi", turn("assistant", thought, tool_calls=calls))) == []
    record = make("hi ", turn("assistant", " Let me see.\n\n", tool_calls=calls))
    assert len(messages_of("surrounding_white_space", record)) == 1
    assert check.repair is not None
    assert [message.content for message in check.repair(record).messages] == ["hi", "Let me see.\n\n"]


@pytest.mark.parametrize(
    ("answer", "trimmed"),
    [
        ("    total = 0\n    for n in values:\n        total += n\n    return total\n", True),
        ("    total = 0\n    return total", False),
        ("\n\n\treturn a + b\n\n\treturn b", True),
        ("    return a + b", False),
    ],
)
def test_the_indentation_of_code_that_continues_its_prompt_stays(make: Make, answer: str, trimmed: bool) -> None:
    check = CHECKS.get("surrounding_white_space")
    record = make("def f(a, b):", answer)
    assert bool(messages_of("surrounding_white_space", record)) is trimmed
    assert check.repair is not None
    assert check.repair(record).answer == answer.strip("\n")


def test_special_tokens_are_trimmed_at_the_end_and_left_for_a_person_elsewhere(make: Make) -> None:
    repair = CHECKS.get("special_token_in_text").repair
    assert repair is not None
    assert repair(make("hi", "Paris.<|im_end|>\n</s>")).answer == "Paris."
    code = make("hi", "```\nprint(1)\n``` <|im_end|>")
    assert len(messages_of("special_token_in_text", code)) == 1
    assert repair(code).answer == "```\nprint(1)\n```"
    inside = make("hi", "Paris.<|im_end|>\n<|im_start|>user\nAnd Rome?")
    assert repair(inside) == inside
    only = make("hi", "</s>")
    assert repair(only) == only
