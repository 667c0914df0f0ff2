"""A call is valid by the schema that its tool declares, and the record declares the tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SettingsError
from assay.records import Message, Record, Source, ToolCall, record_id, row_id

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a day in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
            "required": ["city"],
        },
    },
}
ROUTE = {"type": "function", "function": {"name": "find_route", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def tools(tmp_path: Path) -> str:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([WEATHER]), encoding="utf-8")
    return str(path)


def reply(arguments: Any, request: str = "Will it rain in Oslo this week?") -> str:
    return json.dumps({"request": request, "arguments": arguments})


def test_a_valid_call_becomes_a_record_that_declares_its_tool(api: Any, generate: Any, tools: str) -> None:
    api.reply = lambda asked: reply({"city": "Oslo", "days": 3})
    result = generate([], "tool_calls", count=1, tools=tools)
    [record] = result.data.records()
    assert record.tools == (WEATHER,)
    assert record.messages[1].tool_calls == (ToolCall("get_weather", {"city": "Oslo", "days": 3}, "call_1"),)
    assert record.meta["synth"]["settings"]["tool"] == "get_weather"
    assert record.parents == ()
    schema = api.seen[0]["body"]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["arguments"] == WEATHER["function"]["parameters"]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"city": 3}, {"city": "Oslo", "days": 9}, {"city": "Oslo", "wind": True}, ["Oslo"], "Oslo", None],
)
def test_arguments_that_the_schema_does_not_allow_are_refused(
    arguments: Any, api: Any, generate: Any, tools: str
) -> None:
    api.reply = lambda asked: reply(arguments)
    result = generate([], "tool_calls", count=1, tools=tools, per_tool=1)
    assert result.refused == {"schema": 1}


def test_a_person_does_not_name_the_tool(api: Any, generate: Any, tools: str) -> None:
    api.reply = lambda asked: reply({"city": "Oslo"}, "Call get_weather for Oslo")
    assert generate([], "tool_calls", count=1, tools=tools, per_tool=1).refused == {"context": 1}


def test_with_a_result_the_record_ends_on_an_answer(api: Any, generate: Any, tools: str) -> None:
    def model(asked: str) -> str:
        if "called the tool" in asked:
            return json.dumps({"result": {"rain": "80 %"}, "answer": "Rain is likely: 80 %."})
        return reply({"city": "Oslo"})

    api.reply = model
    [record] = generate([], "tool_calls", count=1, tools=tools, answered=True).data.records()
    assert [message.role for message in record.messages] == ["user", "assistant", "tool", "assistant"]
    assert record.messages[2].tool_call_id == record.messages[1].tool_calls[0].id
    assert json.loads(record.messages[2].content) == {"rain": "80 %"}
    assert record.answer == "Rain is likely: 80 %."


def test_tools_that_records_declare_are_used_with_a_call_as_the_example(api: Any, generate: Any) -> None:
    messages = (
        Message("user", "Rain in Rome?"),
        Message("assistant", None, (ToolCall("get_weather", {"city": "Rome"}),)),
    )
    tools = (WEATHER, ROUTE)
    seed = Record(record_id(messages, tools), row_id("s", 0), messages, Source("s.jsonl", 1, 0), tools)
    api.reply = lambda asked: (
        reply({"city": "Oslo"}) if "Name: get_weather" in asked else reply({}, "How do I get home?")
    )
    result = generate([seed], "tool_calls", count=2)
    asked = [text for text in api.answered if "Name: get_weather" in text]
    assert "Rain in Rome?" in asked[0] and "find_route" in asked[0]
    by_tool = {record.messages[1].tool_calls[0].name: record for record in result.data.records()}
    assert set(by_tool) == {"get_weather", "find_route"}
    assert by_tool["get_weather"].parents == (seed.id,)
    assert all(len(record.tools) == 2 for record in by_tool.values())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "array of tools"),
        ('[{"type": "function"}]', "declares no function"),
        ('[{"name": "a", "parameters": {"type": "objekt"}}]', "no JSON schema"),
    ],
)
def test_what_declares_no_tool_is_said(content: str, said: str, generate: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        generate([], "tool_calls", count=1, tools=str(path))


def test_a_schema_that_points_elsewhere_is_not_fetched(api: Any, generate: Any, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": f"{api.url}/secret.json"}}}
    path = tmp_path / "tools.json"
    path.write_text(json.dumps([{"name": "t", "parameters": schema}]), encoding="utf-8")
    api.reply = lambda asked: reply({"a": 1})
    assert generate([], "tool_calls", count=1, tools=str(path), per_tool=1).refused == {"schema": 1}
    assert len(api.seen) == 1
