"""OpenAI's responses. Nothing is stored there: `store` is off. They take no seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from assay.errors import ProviderError
from assay.protocols import Generation, GenerationRequest
from assay.records import Json, Message

from .chat import cache_key
from .form import ANSWER, broken, is_strict, member, number, text_of, tool_call


@dataclass(frozen=True)
class ResponsesForm:
    name: str
    model: str
    path: str = "/responses"

    def body(self, request: GenerationRequest) -> dict[str, Json]:
        body: dict[str, Json] = {
            "model": self.model,
            "input": [item for message in request.messages for item in _items(message)],
            "max_output_tokens": request.max_tokens,
            "store": False,
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.schema is not None:
            schema = {"name": ANSWER, "schema": dict(request.schema), "strict": is_strict(request.schema)}
            body["text"] = {"format": {"type": "json_schema", **schema}}
        if request.tools:
            body["tools"] = [{"type": "function", **dict(member(tool, "function") or {})} for tool in request.tools]
        if request.shared:
            body["prompt_cache_key"] = cache_key(request)
        return body

    def read(self, answer: Json) -> Generation:
        output, usage = member(answer, "output"), member(answer, "usage")
        if member(answer, "status") == "failed":
            raise ProviderError(f"{self.name} could not finish a response", fix="it is asked again later")
        if not isinstance(output, list) or not isinstance(usage, dict):
            raise broken(self.name, "a response without an answer or its usage")
        parts = [part for item in output for part in (member(item, "content") or ()) if isinstance(part, dict)]
        texts = [text_of(self.name, part.get("text")) for part in parts if part.get("type") == "output_text"]
        refusals = [text_of(self.name, part.get("refusal")) for part in parts if part.get("type") == "refusal"]
        calls = tuple(
            tool_call(item.get("name"), item.get("arguments"), item.get("call_id"))
            for item in output
            if member(item, "type") == "function_call"
        )
        return Generation(
            text="".join(texts) or "".join(refusals),
            model=text_of(self.name, answer.get("model")) or self.model,
            input_tokens=number(usage.get("input_tokens")),
            output_tokens=number(usage.get("output_tokens")),
            stop_reason=_reason(answer, bool(refusals), bool(calls)),
            tool_calls=calls,
            cached_tokens=number(member(usage, "input_tokens_details", "cached_tokens")),
            written_tokens=number(member(usage, "input_tokens_details", "cache_write_tokens")),
        )


def _items(message: Message) -> Iterator[Json]:
    """A message as items of the input: calls and their results stand beside the messages there."""
    if message.role == "tool":
        yield {"type": "function_call_output", "call_id": message.tool_call_id or "", "output": message.content or ""}
        return
    if message.content or not message.tool_calls:
        yield {"role": message.role, "content": message.content or ""}
    for call in message.tool_calls:
        arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        yield {"type": "function_call", "call_id": call.id or "", "name": call.name, "arguments": arguments}


def _reason(answer: Json, refused: bool, calls: bool) -> str:
    reason = member(answer, "incomplete_details", "reason")
    if reason == "max_output_tokens":
        return "length"
    if reason == "content_filter" or refused:
        return "refusal"
    return "tool" if calls else "stop"
