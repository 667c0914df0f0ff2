"""Chat completions, of OpenAI and of all that speak like it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from assay.protocols import Generation, GenerationRequest
from assay.records import Json, message_to_json

from .form import ANSWER, broken, is_strict, member, number, text_of, tool_call


@dataclass(frozen=True)
class ChatForm:
    """token_limit   the argument that bounds the answer: OpenAI renamed it, other servers did not
    cache_key     whether the server takes `prompt_cache_key`, which sends requests with one beginning to one cache
    """

    name: str
    model: str
    token_limit: str
    cache_key: bool = False
    path: str = "/chat/completions"

    def body(self, request: GenerationRequest) -> dict[str, Json]:
        body: dict[str, Json] = {
            "model": self.model,
            "messages": [_message(message_to_json(message)) for message in request.messages],
            self.token_limit: request.max_tokens,
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.seed is not None:
            body["seed"] = request.seed + request.sample
        if request.schema is not None:
            schema = {"name": ANSWER, "schema": dict(request.schema), "strict": is_strict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if request.tools:
            body["tools"] = [dict(tool) for tool in request.tools]
        if request.shared and self.cache_key:
            body["prompt_cache_key"] = cache_key(request)
        return body

    def read(self, answer: Json) -> Generation:
        choices, usage = member(answer, "choices"), member(answer, "usage")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = member(first, "message")
        if not isinstance(message, dict) or not isinstance(usage, dict):
            raise broken(self.name, "a completion without an answer or its usage")
        content = text_of(self.name, message.get("content"))
        calls = message.get("tool_calls")
        tool_calls = tuple(
            tool_call(member(call, "function", "name"), member(call, "function", "arguments"), member(call, "id"))
            for call in (calls if isinstance(calls, list) else ())
        )
        return Generation(
            text=content or text_of(self.name, message.get("refusal")),
            model=text_of(self.name, answer.get("model")) or self.model,
            input_tokens=number(usage.get("prompt_tokens")),
            output_tokens=number(usage.get("completion_tokens")),
            stop_reason=_reason(member(first, "finish_reason"), message, bool(tool_calls)),
            tool_calls=tool_calls,
            cached_tokens=number(member(usage, "prompt_tokens_details", "cached_tokens")),
            written_tokens=number(member(usage, "prompt_tokens_details", "cache_write_tokens")),
        )


def cache_key(request: GenerationRequest) -> str:
    """The same for all requests with the same beginning."""
    shared = [message_to_json(message) for message in request.messages[: request.shared]]
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:32]


def _message(message: dict[str, Json]) -> dict[str, Json]:
    """As OpenAI takes it: a call's arguments are text there."""
    calls = message.get("tool_calls")
    if not calls:
        return message
    sent = [
        {**call, "function": {**call["function"], "arguments": _text(call["function"].get("arguments"))}}
        for call in calls
    ]
    return {**message, "tool_calls": sent}


def _text(arguments: Json) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _reason(finish: Json, message: dict[str, Json], calls: bool) -> str:
    if finish == "length":
        return "length"
    if finish == "content_filter" or message.get("refusal"):
        return "refusal"
    return "tool" if calls else "stop"
