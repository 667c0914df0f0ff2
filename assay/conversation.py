"""A conversation in the shape that a chat template takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.records import Json, Message, ToolCall, message_to_json
from assay.templating import Renderer, TemplateProblem


@dataclass(frozen=True, slots=True)
class MessageStyle:
    """What templates disagree about.

    arguments_as_text  tool-call arguments as JSON text, as the API sends them, instead of an object
    empty_content      a turn without content has "" instead of no content at all
    """

    arguments_as_text: bool = False
    empty_content: bool = False


STYLES = (
    MessageStyle(),
    MessageStyle(empty_content=True),
    MessageStyle(arguments_as_text=True),
    MessageStyle(arguments_as_text=True, empty_content=True),
)


def template_messages(messages: Sequence[Message], style: MessageStyle, template: str) -> list[dict[str, Json]]:
    """Messages as dictionaries without empty keys, which transformers leaves out too.

    A "developer" turn becomes a "system" turn where the template does not know the word.
    """
    out = []
    for message in messages:
        item = {key: value for key, value in message_to_json(message).items() if value is not None and key != "train"}
        if message.role == "developer" and "developer" not in template:
            item["role"] = "system"
        if message.content is None and style.empty_content:
            item["content"] = ""
        if style.arguments_as_text:
            for call in item.get("tool_calls", ()):
                arguments = call["function"]["arguments"]
                if not isinstance(arguments, str):
                    call["function"]["arguments"] = json.dumps(arguments, ensure_ascii=False)
        out.append(item)
    return out


def variables(
    messages: Sequence[Message],
    tools: Sequence[Json] | None,
    *,
    template: str,
    style: MessageStyle,
    special_tokens: Mapping[str, str],
    add_generation_prompt: bool,
) -> dict[str, Any]:
    """What `apply_chat_template` hands to a template. Without tools it hands over None, never an empty list."""
    return {
        **special_tokens,
        "messages": template_messages(messages, style, template),
        "tools": list(tools) if tools else None,
        "documents": None,
        "add_generation_prompt": add_generation_prompt,
    }


PROBE_TOOL: Json = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "A city."}},
            "required": ["city"],
        },
    },
}

TOOL_PROBE = (
    Message("user", "What is the weather in Lyon?"),
    Message("assistant", None, (ToolCall("get_weather", {"city": "Lyon"}, "call00001"),)),
    Message("tool", '{"sky": "clear"}', tool_call_id="call00001", name="get_weather"),
    Message("assistant", "The sky over Lyon is clear."),
)


def find_style(template: str, special_tokens: Mapping[str, str], renderer: Renderer) -> MessageStyle:
    """The first style in which the template renders a tool call with its name; the default when none does."""
    renders = [
        variables(
            TOOL_PROBE,
            [PROBE_TOOL],
            template=template,
            style=style,
            special_tokens=special_tokens,
            add_generation_prompt=False,
        )
        for style in STYLES
    ]
    for style, result in zip(STYLES, renderer.render_many(template, renders), strict=True):
        if isinstance(result, TemplateProblem):
            if result.kind == "time":
                break
        elif "Lyon" in result.text.replace("in Lyon", "").replace("over Lyon", "") and "None" not in result.text:
            return style
    return MessageStyle()
