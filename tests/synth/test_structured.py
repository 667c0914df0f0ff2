"""Structured answers, tools and prompt caching, as each protocol asks for them and as they come back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.calls.pricing import actual_usd, most_input_tokens, worst_usd
from assay.errors import ProviderError
from assay.protocols import Generation, GenerationRequest, Price, Provider
from assay.records import Message, ToolCall
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.wire.chat import ChatForm
from assay.synth.wire.form import is_strict

SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
TOOL = {
    "type": "function",
    "function": {"name": "track", "description": "Where it is.", "parameters": {"type": "object", "properties": {}}},
}
ASK = GenerationRequest((Message("system", "Be brief."), Message("user", "Hello")), 50)
KINDS = ["openai", "responses", "openai_compatible", "anthropic"]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")


def provider(kind: str, api: Any) -> Provider:
    name, protocol = ("openai", "responses") if kind == "responses" else (kind, "chat")
    base = api.url if name == "anthropic" else f"{api.url}/v1"
    given: Any = {"provider": name, "api": protocol, "model": "m", "base_url": base}
    return make_provider(SynthSettings(**given), None)


def generate(kind: str, api: Any, request: GenerationRequest) -> Generation:
    [answer] = provider(kind, api).generate([request])
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_a_structured_answer_is_one_json_object(kind: str, api: Any) -> None:
    answer = generate(kind, api, replace(ASK, schema=SCHEMA))
    assert json.loads(answer.text) == {"text": "Put otherwise: Hello"}
    assert (answer.stop_reason, answer.tool_calls) == ("stop", ())
    sent = api.seen[0]["body"]
    if kind == "anthropic":
        assert sent["tools"][0]["input_schema"] == SCHEMA
        assert sent["tool_choice"] == {"type": "tool", "name": sent["tools"][0]["name"]}
    elif kind == "responses":
        assert sent["text"]["format"]["schema"] == SCHEMA and sent["text"]["format"]["strict"] is True
    else:
        assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
        assert sent["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_structured_answer_that_was_cut_says_so(kind: str, api: Any) -> None:
    api.faults = ["truncated"]
    assert generate(kind, api, replace(ASK, schema=SCHEMA)).stop_reason == "length"


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_declines_is_no_answer_and_no_fault(kind: str, api: Any) -> None:
    api.faults = ["refusal"]
    answer = generate(kind, api, ASK)
    assert (answer.stop_reason, answer.text) == ("refusal", "I cannot.")


def test_a_schema_that_cannot_be_enforced_is_not_called_strict() -> None:
    assert is_strict(SCHEMA)
    assert not is_strict({**SCHEMA, "additionalProperties": True})
    assert not is_strict({**SCHEMA, "required": []})
    assert not is_strict({**SCHEMA, "properties": {"text": {"type": "array", "items": {**SCHEMA, "required": []}}}})


@pytest.mark.parametrize("kind", KINDS)
def test_tools_are_declared_and_earlier_calls_told_in_each_protocol(kind: str, api: Any) -> None:
    call = ToolCall("track", {"order": "BW-1"}, "call-1")
    messages = (
        Message("user", "Where is BW-1?"),
        Message("assistant", None, tool_calls=(call,)),
        Message("tool", "In Leeds.", tool_call_id="call-1"),
    )
    generate(kind, api, GenerationRequest(messages, 50, tools=(TOOL,)))
    sent = api.seen[0]["body"]
    if kind == "anthropic":
        assert sent["tools"] == [
            {"name": "track", "description": "Where it is.", "input_schema": TOOL["function"]["parameters"]}
        ]
        assert sent["messages"][1]["content"] == [
            {"type": "tool_use", "id": "call-1", "name": "track", "input": {"order": "BW-1"}}
        ]
        assert sent["messages"][2]["role"] == "user" and sent["messages"][2]["content"][0]["tool_use_id"] == "call-1"
    elif kind == "responses":
        assert sent["tools"][0]["name"] == "track"
        assert [item.get("type") for item in sent["input"]] == [None, "function_call", "function_call_output"]
    else:
        assert sent["tools"] == [TOOL]
        assert sent["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"order": "BW-1"}'


def test_calls_come_back_with_their_arguments_as_an_object() -> None:
    from assay.synth.wire.chat import ChatForm
    from assay.synth.wire.messages import MessagesForm
    from assay.synth.wire.responses import ResponsesForm

    call = {"id": "c", "type": "function", "function": {"name": "track", "arguments": '{"order": "BW-1"}'}}
    message = {"content": None, "tool_calls": [call]}
    chat = ChatForm("openai", "m", "max_tokens").read(
        {"choices": [{"finish_reason": "tool_calls", "message": message}], "usage": {}}
    )
    item = {"type": "function_call", "call_id": "c", "name": "track", "arguments": '{"order": "BW-1"}'}
    response = ResponsesForm("openai", "m").read({"output": [item], "usage": {}, "status": "completed"})
    block = {"type": "tool_use", "id": "c", "name": "track", "input": {"order": "BW-1"}}
    said = MessagesForm("anthropic", "m").read({"content": [block], "usage": {}, "stop_reason": "tool_use"})
    for answer in (chat, response, said):
        assert answer.tool_calls == (ToolCall("track", {"order": "BW-1"}, "c"),)
        assert answer.stop_reason == "tool"


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_read_from_a_cache_is_counted_and_costs_less(kind: str, api: Any) -> None:
    api.cached = 8
    answer = generate(kind, api, replace(ASK, shared=1))
    assert (answer.input_tokens, answer.cached_tokens) == (10, 8)
    assert actual_usd(answer, Price(10, 0, cached_input=1)) == pytest.approx((2 * 10 + 8 * 1) / 1e6)
    assert actual_usd(answer, Price(10, 0)) == pytest.approx(10 * 10 / 1e6)


def test_a_shared_beginning_is_marked_where_that_is_needed(api: Any) -> None:
    generate("anthropic", api, replace(ASK, shared=1))
    generate("anthropic", api, replace(ASK, shared=2))
    first, second = (request["body"] for request in api.seen)
    assert first["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert first["messages"] == [{"role": "user", "content": "Hello"}]
    assert "cache_control" not in second["system"] and "cache_control" in second["messages"][0]["content"][0]
    for kind in ("openai", "responses"):
        generate(kind, api, replace(ASK, shared=1))
        assert api.seen[-1]["body"]["prompt_cache_key"]
    generate("openai_compatible", api, replace(ASK, shared=1))
    assert "prompt_cache_key" not in api.seen[-1]["body"]


def test_a_system_turn_that_comes_again_is_marked_without_being_asked_for(api: Any) -> None:
    """The first may be the only one: keeping it would cost more, for nothing."""
    settings = SynthSettings(provider="anthropic", model="m", base_url=api.url, max_retries=0, concurrency=1)
    asked = [
        GenerationRequest((Message("system", rules), Message("user", f"Question {number}")), 20)
        for number, rules in enumerate(("Rules.", "Others.", "Rules.", "Rules."))
    ]
    make_provider(settings, None).generate([*asked, GenerationRequest((Message("user", "Rules."),), 20)])
    marked = ["cache_control" in str(request["body"].get("system")) for request in api.seen]
    assert marked == [False, False, True, True, False]
    assert "cache_control" not in str(api.seen[-1]["body"])


def test_the_worst_cost_counts_schema_tools_calls_and_the_writing_of_a_cache() -> None:
    assert most_input_tokens(replace(ASK, schema=SCHEMA)) > most_input_tokens(ASK) + len(json.dumps(SCHEMA))
    assert most_input_tokens(replace(ASK, tools=(TOOL,))) > most_input_tokens(ASK) + len(json.dumps(TOOL))
    assert worst_usd(ASK, Price(8, 0)) == pytest.approx(1.25 * most_input_tokens(ASK) * 8 / 1e6)
    assert worst_usd(ASK, Price(8, 0, most_input=5)) == float("inf")
    calls = (Message("assistant", None, tool_calls=(ToolCall("track", {"order": "x" * 100}),)),)
    assert most_input_tokens(replace(ASK, messages=calls)) > 100


@pytest.mark.parametrize("kind", ["openai", "responses", "anthropic"])
def test_half_a_character_of_an_answer_can_be_written_down(kind: str, api: Any, tmp_path: Path) -> None:
    """A model that is cut within an emoji sends one, and a journal of UTF-8 cannot hold it."""
    api.reply = lambda text: "Thanks \ud83d"
    asked = GenerationRequest((Message("user", "Hello"),), max_tokens=5)
    with Journal(tmp_path / "journal", max_requests=9, max_usd=1) as journal:
        [answer] = Caller(provider(kind, api), journal, Price(1, 1), max_retries=0).ask([asked])
        assert answer is not None and answer.text == "Thanks \ufffd"
        assert journal.spent().answered == 1


@pytest.mark.parametrize("change", [{"refusal": {"a": 1}, "content": None}, {"content": ["a"]}])
def test_an_answer_that_is_no_text_is_a_fault_of_the_server(change: dict[str, Any]) -> None:
    body = {"choices": [{"message": {"role": "assistant", **change}}], "usage": {}, "model": "m"}
    with pytest.raises(ProviderError, match="no text"):
        ChatForm("openai", "m", "max_tokens").read(body)


@pytest.mark.parametrize("count", [float("inf"), 1e30, float("nan"), -1, "7", True])
def test_a_count_of_tokens_that_cannot_be_is_none(count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": 2}
    body = {"choices": [{"message": {"content": "x"}}], "usage": usage, "model": "m"}
    assert ChatForm("openai", "m", "max_tokens").read(body).input_tokens == 0
