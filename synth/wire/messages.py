"""Anthropic's messages. A structured answer is a call of the one tool that the model has to call."""

from __future__ import annotations

import json
from dataclasses import dataclass

from assay.protocols import Generation, GenerationRequest
from assay.records import Json, Message

from .form import ANSWER, arguments_of, broken, member, number, text_of, tool_call

KEPT = {"type": "ephemeral"}
"""For five minutes, renewed by each reading: what 1.25 times the price of input pays for."""

_REASONS = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "tool_use": "tool",
}


@dataclass(frozen=True)
class MessagesForm:
    """The API takes no seed, and its current models no temperature."""

    name: str
    model: str
    path: str = "/v1/messages"

    def body(self, request: GenerationRequest) -> dict[str, Json]:
        system, turns = _blocks(request)
        body: dict[str, Json] = {"model": self.model, "messages": turns, "max_tokens": request.max_tokens}
        if system:
            plain = len(system) == 1 and "cache_control" not in system[0]
            body["system"] = system[0]["text"] if plain else system
        if request.schema is not None:
            about = "The answer. Call it once, with all of it."
            body["tools"] = [{"name": ANSWER, "description": about, "input_schema": dict(request.schema)}]
            body["tool_choice"] = {"type": "tool", "name": ANSWER}
        elif request.tools:
            body["tools"] = [_tool(member(tool, "function") or {}) for tool in request.tools]
        return body

    def read(self, answer: Json) -> Generation:
        blocks, usage = member(answer, "content"), member(answer, "usage")
        if not isinstance(blocks, list) or not isinstance(usage, dict):
            raise broken(self.name, "a message without content or usage")
        text = "".join(text_of(self.name, block.get("text")) for block in blocks if member(block, "type") == "text")
        calls = [block for block in blocks if member(block, "type") == "tool_use"]
        reason = _REASONS.get(str(answer.get("stop_reason")), "stop")
        structured = next((call for call in calls if call.get("name") == ANSWER), None)
        if structured is not None:
            text = text_of(self.name, json.dumps(structured.get("input"), ensure_ascii=False))
            calls, reason = [], "stop" if reason == "tool" else reason
        cached = number(usage.get("cache_read_input_tokens"))
        written = number(usage.get("cache_creation_input_tokens"))
        return Generation(
            text=text,
            model=text_of(self.name, answer.get("model")) or self.model,
            input_tokens=number(usage.get("input_tokens")) + cached + written,
            output_tokens=number(usage.get("output_tokens")),
            stop_reason=reason,
            tool_calls=tuple(tool_call(call.get("name"), call.get("input"), call.get("id")) for call in calls),
            cached_tokens=cached,
            written_tokens=written,
        )


def _blocks(request: GenerationRequest) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
    """The system text in blocks, and the turns; the last block of what is shared is marked to be kept."""
    system: list[dict[str, Json]] = []
    turns: list[dict[str, Json]] = []
    for index, message in enumerate(request.messages):
        kept = {"cache_control": KEPT} if index + 1 == request.shared else {}
        if message.role in ("system", "developer"):
            system.append({"type": "text", "text": message.content or "", **kept})
        else:
            turns.append({"role": _role(message), "content": _content(message, kept)})
    return system, turns


def _role(message: Message) -> str:
    return "assistant" if message.role == "assistant" else "user"


def _content(message: Message, kept: dict[str, Json]) -> Json:
    if message.role == "tool":
        result = {"type": "tool_result", "tool_use_id": message.tool_call_id or "", "content": message.content or ""}
        return [{**result, **kept}]
    if not message.tool_calls and not kept:
        return message.content or ""
    blocks: list[dict[str, Json]] = []
    if message.content or not message.tool_calls:
        blocks.append({"type": "text", "text": message.content or ""})
    for call in message.tool_calls:
        given = arguments_of(call.arguments)
        given = given if isinstance(given, dict) else {"arguments": given}
        blocks.append({"type": "tool_use", "id": call.id or "", "name": call.name, "input": given})
    blocks[-1] |= kept
    return blocks


def _tool(function: Json) -> dict[str, Json]:
    tool = {"name": function.get("name", ""), "input_schema": function.get("parameters") or {"type": "object"}}
    if function.get("description"):
        tool["description"] = function["description"]
    return tool
