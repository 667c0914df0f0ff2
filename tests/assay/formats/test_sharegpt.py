"""ShareGPT, with LLaMA-Factory's tool turns."""

import pytest

from assay.formats import FORMATS, NotCarried, detect
from assay.records import Message, Record, Source, ToolCall

SHAREGPT = FORMATS["sharegpt"]


def test_tool_turns_become_calls_and_answers() -> None:
    row = {
        "conversations": [
            {"from": "human", "value": "Weather in Oslo?"},
            {"from": "function_call", "value": '{"name": "get_weather", "arguments": {"city": "Oslo"}}'},
            {"from": "observation", "value": "5 degrees"},
            {"from": "gpt", "value": "It is 5 degrees."},
        ],
        "system": "Be brief.",
        "tools": '[{"name": "get_weather", "parameters": {}}]',
    }
    parsed = SHAREGPT.read(row)
    assert parsed.messages == (
        Message("system", "Be brief."),
        Message("user", "Weather in Oslo?"),
        Message("assistant", None, (ToolCall("get_weather", {"city": "Oslo"}),)),
        Message("tool", "5 degrees"),
        Message("assistant", "It is 5 degrees."),
    )
    assert parsed.tools == ({"type": "function", "function": {"name": "get_weather", "parameters": {}}},)
    assert parsed.meta == {}


def test_a_function_call_that_is_no_json_stays_for_the_tool_call_check() -> None:
    row = {"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": "get_weather(Oslo)"}]}
    assert SHAREGPT.read(row).messages[1].tool_calls == (ToolCall("", "get_weather(Oslo)"),)


def test_it_is_told_from_openai_messages_by_its_turns_and_not_by_the_column() -> None:
    found = detect({"conversations": [{"role": "user", "content": "a"}]}), detect({"messages": [{"from": "human"}]})
    assert [form.name for form in found if form] == ["messages", "sharegpt"]


@pytest.mark.parametrize(
    "message",
    [Message("developer", "Be brief."), Message("assistant", "Let me look.", (ToolCall("f", {}),))],
)
def test_what_it_cannot_hold_is_refused(message: Message) -> None:
    with pytest.raises(NotCarried):
        SHAREGPT.write(Record("id", "row", (message,), Source("a", 1, 0)))
