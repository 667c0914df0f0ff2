"""Calls in the forms that templates teach are read; partial credit is counted point by point."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.outputs.tool_calls import Call, calls_in
from assay.evaluate.scorer import make_scorer

WEATHER = {"city": "Lyon", "days": 3, "wind": True}
ONE = json.dumps({"name": "get_weather", "arguments": WEATHER})
TWO = json.dumps([{"name": "get_weather", "arguments": WEATHER}, {"name": "now", "arguments": {}}])

FORMS = {
    "Hermes, Qwen 2.5 and 3": f"<tool_call>\n{ONE}\n</tool_call>",
    "after thinking": f"<think>\nShall I call {{}}?\n</think>\n\n<tool_call>\n{ONE}\n</tool_call>",
    "with a sentence": f"Let me look that up.\n<tool_call>{ONE}</tool_call>",
    "Llama 3 JSON": '{"name": "get_weather", "parameters": {"city": "Lyon", "days": 3, "wind": true}}',
    "Llama 3 with its tag": f"<|python_tag|>{ONE}",
    "Llama 3 tags": '<function=get_weather>{"city": "Lyon", "days": 3, "wind": true}</function>',
    "Llama 3.2 Python": "[get_weather(city='Lyon', days=3, wind=True)]",
    "Llama built-in": '<|python_tag|>get_weather.call(city="Lyon", days=3, wind=True)',
    "LFM2": '<|tool_call_start|>[get_weather(city="Lyon", days=3, wind=true)]<|tool_call_end|>',
    "Gemma 3": '```tool_code\nget_weather(city="Lyon", days=3, wind=True)\n```',
    "Gemma 4": '<|tool_call>call:get_weather{city:<|"|>Lyon<|"|>,days:3,wind:true}<tool_call|>',
    "Mistral to v3": f'[TOOL_CALLS] [{ONE[:-1]}, "id": "call00001"}}]',
    "Mistral without its token": f"[{ONE}]",
    "Mistral v11": '[TOOL_CALLS]get_weather[ARGS]{"city": "Lyon", "days": 3, "wind": true}',
    "Mistral v11 with an id": (
        '[TOOL_CALLS]get_weather[CALL_ID]a1b2c3d4e[ARGS]{"city": "Lyon", "days": 3, "wind": true}'
    ),
    "Mistral v11 without tokens": 'get_weather{"city": "Lyon", "days": 3, "wind": true}',
    "DeepSeek R1": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
        '{"city": "Lyon", "days": 3, "wind": true}\n```<｜tool▁call▁end｜>'
    ),
    "DeepSeek V3.1": (
        '<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Lyon", "days": 3, "wind": true}<｜tool▁call▁end｜>'
    ),
    "DeepSeek V3.2": (
        '<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n'
        '<｜DSML｜parameter name="city" string="true">Lyon</｜DSML｜parameter>\n'
        '<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>\n'
        '<｜DSML｜parameter name="wind" string="false">true</｜DSML｜parameter>\n</｜DSML｜invoke>'
    ),
    "Kimi K2": (
        "<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        '{"city": "Lyon", "days": 3, "wind": true}<|tool_call_end|>'
    ),
    "gpt-oss": (
        "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
        '{"city": "Lyon", "days": 3, "wind": true}<|call|>'
    ),
    "Qwen3-Coder, Nemotron": (
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nLyon\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
        "<parameter=wind>\ntrue\n</parameter>\n</function>\n</tool_call>"
    ),
    "Seed": (
        "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Lyon</parameter>\n<parameter=days>3</parameter>\n"
        "<parameter=wind>True</parameter>\n</function>\n</seed:tool_call>"
    ),
    "GLM": (
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Lyon</arg_value>\n<arg_key>days</arg_key>\n"
        "<arg_value>3</arg_value>\n<arg_key>wind</arg_key>\n<arg_value>true</arg_value>\n</tool_call>"
    ),
    "MiniMax M2": (
        '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Lyon</parameter>\n'
        '<parameter name="days">3</parameter>\n<parameter name="wind">true</parameter>\n</invoke>'
    ),
    "Cohere": (
        '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather", "parameters": '
        '{"city": "Lyon", "days": 3, "wind": true}}\n]<|END_ACTION|>'
    ),
    "Granite": f"<|tool_call|>[{ONE}]",
    "Apertus": '<|tools_prefix|>[{"get_weather": {"city": "Lyon", "days": 3, "wind": true}}]<|tools_suffix|>',
    "Glaive": '<functioncall> {"name": "get_weather", "arguments": \'{"city": "Lyon", "days": 3, "wind": true}\'}',
    "OpenAI": json.dumps({"tool_calls": [{"function": {"name": "get_weather", "arguments": json.dumps(WEATHER)}}]}),
    "a fence": f"```json\n{ONE}\n```",
}


def score(output: str, reference: str, **settings: Any) -> float:
    return make_scorer("tool_call", settings, "here")(output, reference)


@pytest.mark.parametrize("form", FORMS)
def test_a_call_is_read_in_each_form(form: str) -> None:
    assert score(FORMS[form], ONE) == 1.0
    assert score(FORMS[form], ONE.replace("get_weather", "get_time")) == 0.0
    assert score(FORMS[form], ONE.replace("Lyon", "Oslo")) == 0.75
    assert score(FORMS[form], "[]") == 0.0


@pytest.mark.parametrize("form", FORMS)
def test_a_reference_may_stand_in_the_form_of_the_model(form: str) -> None:
    assert score(ONE, FORMS[form]) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "The weather in Lyon is fine.",
        '{"answer": 42}',
        'The result json {"a": 1}',
        '```json\n{"city": "Lyon"}\n```',
        "print('hello')",
        "f(1, 2)",
        "I would call get_weather(city='Lyon') if I could.",
        '{"name": "Jane", "age": 3}',
        "",
    ],
)
def test_what_is_no_call_is_none(text: str) -> None:
    assert calls_in(text) == []
    assert score(text, "[]") == 1.0 and score(text, ONE) == 0.0


@pytest.mark.parametrize(
    ("output", "settings", "expected"),
    [
        (ONE, {}, 0.5),
        (f"{TWO}", {}, 1),
        (json.dumps(json.loads(TWO)[::-1]), {}, 1),
        (json.dumps([*json.loads(TWO), {"name": "now", "arguments": {}}]), {}, 2 / 3),
        (json.dumps([*json.loads(TWO)[:1] * 2]), {}, 0.5),
        (TWO.replace('"days": 3', '"days": 4'), {}, (3 / 4 + 1) / 2),
        (TWO.replace('"days": 3', '"days": 3.0'), {}, 1),
        (TWO.replace('"days": 3', '"days": "3"'), {}, (3 / 4 + 1) / 2),
        (TWO.replace('"days": 3, ', ""), {}, (3 / 4 + 1) / 2),
        (TWO.replace('"days": 3', '"days": 3, "more": 1'), {}, (4 / 5 + 1) / 2),
        (TWO.replace('"days": 3', '"days": 4'), {"partial_credit": False}, 0),
        (TWO.replace('"days": 3', '"days": 4'), {"arguments": ["city"]}, 1),
        (TWO.replace('"wind": true', '"wind": 1'), {}, (3 / 4 + 1) / 2),
    ],
)
def test_names_and_arguments_are_points(output: str, settings: dict[str, Any], expected: float) -> None:
    assert score(output, TWO, **settings) == pytest.approx(expected)


def test_a_value_between_tags_may_be_text_or_a_number() -> None:
    text = "<tool_call><function=f><parameter=zip>01234</parameter><parameter=n>3</parameter></function></tool_call>"
    assert score(text, '{"name": "f", "arguments": {"zip": "01234", "n": 3}}') == 1.0
    assert score(text, '{"name": "f", "arguments": {"zip": "01234", "n": "3"}}') == 1.0
    assert score(text, '{"name": "f", "arguments": {"zip": "1234", "n": 4}}') == pytest.approx(1 / 3)


def test_arguments_that_do_not_parse_agree_with_nothing() -> None:
    assert calls_in('{"name": "f", "arguments": "{broken"}') == [Call("f", "{broken")]
    assert score('{"name": "f", "arguments": "{broken"}', '{"name": "f", "arguments": {"a": 1}}') == 0.5


@pytest.mark.parametrize("reference", ["text", '{"a": 1}', "[1]", '[{"name": "f", "arguments": {}}, {"b": 1}]', "3"])
def test_a_reference_without_a_call_names_the_item(reference: str) -> None:
    with pytest.raises(
        SuiteError, match=r"failed on item 'a'.*is no tool call: write name and arguments as JSON, or \[\]"
    ):
        make_scorer("tool_call", {}, "here")(ONE, reference, "item 'a'")


@pytest.mark.parametrize(
    "part", ["<tool_call>", "<arg_key>", "<parameter=a>", "call:f{", "[f(", '{"name":', "<function=f>", "a", "[", "f{}"]
)
def test_a_model_that_repeats_itself_is_read_in_time(part: str) -> None:
    begun = time.process_time()
    assert len(calls_in(part * (300_000 // len(part)))) <= 64
    assert time.process_time() - begun < 5
