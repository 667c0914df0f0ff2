"""OpenAI's chat format: every key that it has is understood, and what it has not is kept."""

import pytest

from assay.formats import FORMATS, Parsed, Unreadable
from assay.records import Message, Record, Source, ToolCall, record_id

MESSAGES = FORMATS["messages"]
WEATHER = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def parse(*turns: object, **columns: object) -> Parsed:
    return MESSAGES.read({"messages": list(turns), **columns})


def record_of(parsed: Parsed) -> Record:
    return Record(
        record_id(parsed.messages, parsed.tools),
        "row",
        parsed.messages,
        Source("a.jsonl", 1, 0),
        parsed.tools,
        meta=parsed.meta,
    )


def user(content: object = "Hi") -> dict[str, object]:
    return {"role": "user", "content": content}


def test_tool_calls_are_parsed_and_answered_by_id() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
    parsed = parse(
        user(),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "5 degrees"},
        tools=[{"type": "function", "function": WEATHER}],
    )
    assert parsed.messages[1] == Message("assistant", None, (ToolCall("get_weather", {"city": "Oslo"}, "c1"),))
    assert parsed.messages[2] == Message("tool", "5 degrees", tool_call_id="c1")
    assert parsed.tools == ({"type": "function", "function": WEATHER},)


def test_legacy_functions_become_tools_and_calls() -> None:
    parsed = parse(
        user(),
        {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": "{}"}},
        {"role": "function", "name": "get_weather", "content": "5 degrees"},
        functions=[WEATHER],
    )
    assert parsed.messages[1].tool_calls == (ToolCall("get_weather", {}),)
    assert parsed.messages[2] == Message("tool", "5 degrees", name="get_weather")
    assert parsed.tools == ({"type": "function", "function": WEATHER},)


def test_arguments_that_do_not_parse_stay_as_text_for_the_tool_call_check() -> None:
    call = {"function": {"name": "f", "arguments": '{"city": '}}
    assert parse(user(), {"role": "assistant", "tool_calls": [call]}).messages[1].tool_calls[0].arguments == '{"city": '


@pytest.mark.parametrize(("weight", "train"), [(0, False), (1, None), (0.0, False), (None, None)])
def test_weight_zero_keeps_an_answer_out_of_the_loss_and_one_is_the_default(weight: object, train: object) -> None:
    assert parse(user(), {"role": "assistant", "content": "Hello", "weight": weight}).messages[1].train is train


def test_a_weight_on_a_prompt_that_says_the_default_changes_no_id() -> None:
    assert parse({**user(), "loss_weight": 0.0}).messages == parse(user()).messages


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert parse(user(parts)).messages[0].content == "ab"


def test_typed_parts_of_llamafactory_hold_reasoning_and_calls() -> None:
    parsed = parse(
        user([{"type": "text", "value": "Weather in Oslo?"}]),
        {
            "role": "assistant",
            "content": [
                {"type": "reasoning", "value": "I should look."},
                {"type": "tool_call", "value": '{"name": "get_weather", "arguments": {"city": "Oslo"}}'},
            ],
            "loss_weight": 1.0,
        },
    )
    answer = parsed.messages[1]
    assert answer.tool_calls == (ToolCall("get_weather", {"city": "Oslo"}),)
    assert answer.content == "<think>\nI should look.\n</think>\n\n"
    assert any("reasoning" in remark for remark in parsed.remarks)


def test_a_picture_is_refused_rather_than_dropped() -> None:
    with pytest.raises(Unreadable, match="image_url"):
        parse(user([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]))


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ({"role": "user", "content": None}, r"turn 1 \(user\) has no content"),
        ({"role": "user", "content": 4}, "a number"),
        ({"role": "user", "content": True}, "true"),
        ({"role": "user", "content": {"text": "a"}}, "an object"),
        ({"content": "a"}, "no role"),
        ({"role": 1, "content": "a"}, "the role of turn 1"),
        ("Hi", "text, not an object"),
    ],
)
def test_what_is_no_turn_is_said_with_its_place(turn: object, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        parse(turn)


def test_an_unknown_role_is_left_to_the_structure_check() -> None:
    assert parse(user(), {"role": "narrator", "content": "Night fell."}).messages[1].role == "narrator"


def test_a_system_column_becomes_the_first_turn_and_a_system_turn_outranks_it() -> None:
    assert parse(user(), system="Be brief.").messages[0] == Message("system", "Be brief.")
    both = parse({"role": "system", "content": "Be kind."}, user(), system="Be brief.")
    assert [message.content for message in both.messages] == ["Be kind.", "Hi"]
    assert both.meta == {"system": "Be brief."}


def test_what_is_not_understood_is_kept_and_written_back() -> None:
    row = {"messages": [{"role": "user", "content": "Hi", "sent": "09:12"}], "ticket": 7, "system": "Be brief."}
    record = record_of(MESSAGES.read(row))
    assert MESSAGES.write(record) == [
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"sent": "09:12", "role": "user", "content": "Hi"},
            ],
            "ticket": 7,
        }
    ]


def test_a_cell_of_json_text_is_read_as_the_turns_that_it_holds() -> None:
    assert MESSAGES.read({"messages": '[{"role": "user", "content": "Hi"}]'}).messages == (Message("user", "Hi"),)
