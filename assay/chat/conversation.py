"""A conversation in the shape that a chat template takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.chat_templates.templating import Renderer, Rendering
from assay.records import Json, Message, ToolCall, message_to_json


@dataclass(frozen=True, slots=True)
class MessageStyle:
    """What templates disagree about.

    arguments_as_text  tool-call arguments as JSON text, as the API sends them, instead of an object
    empty_content      a turn without content has "" instead of no content at all
    content_parts      content as [{"type": "text", "text": ...}], which vision models' templates insist on
    reasoning_apart    <think>...</think> at the beginning of an answer as its reasoning_content, where the template
                       writes reasoning in a form of its own
    """

    arguments_as_text: bool = False
    empty_content: bool = False
    content_parts: bool = False
    reasoning_apart: bool = False


TOOL_STYLES = (
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
        if style.reasoning_apart and message.role == "assistant":
            item |= _reasoning_apart(message.content or "")
        if message.content is None and style.empty_content:
            item["content"] = ""
        if style.content_parts and "content" in item:
            item["content"] = [{"type": "text", "text": item["content"]}]
        if style.arguments_as_text:
            for call in item.get("tool_calls", ()):
                arguments = call["function"]["arguments"]
                if not isinstance(arguments, str):
                    call["function"]["arguments"] = json.dumps(arguments, ensure_ascii=False)
        out.append(item)
    if any(message.tool_calls or message.role == "tool" for message in messages):
        _supply_call_ids(out)
    return out


def _supply_call_ids(messages: Sequence[dict[str, Json]]) -> None:
    """Ids for calls and results that have none, in order: an API gives every call one, and some templates insist.

    Nine letters and digits, which Mistral's templates demand.
    """
    number = 0
    open_calls: list[str] = []
    for message in messages:
        for call in message.get("tool_calls", ()):
            number += 1
            call["id"] = call.get("id") or f"call{number:05}"
            open_calls.append(call["id"])
        if message["role"] == "tool" and open_calls:
            if message.get("tool_call_id") in open_calls:
                open_calls.remove(message["tool_call_id"])
            elif "tool_call_id" not in message:
                message["tool_call_id"] = open_calls.pop(0)


def _reasoning_apart(content: str) -> dict[str, Json]:
    """{"reasoning_content", "content"} of an answer that begins with its thinking, else nothing."""
    reasoning, text = split_thinking(content)
    return {"reasoning_content": reasoning, "content": text} if reasoning else {}


def split_thinking(content: str) -> tuple[str, str]:
    """("", content) where it does not begin with <think>...</think>; white space around both parts is left out."""
    begun = content.lstrip()
    if not begun.startswith("<think>"):
        return "", content
    reasoning, found, text = begun.removeprefix("<think>").partition("</think>")
    return (reasoning.strip(), text.strip()) if found and reasoning.strip() else ("", content)


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


PLAIN_PROBE = (Message("user", "Which river?"), Message("assistant", "The Saone, in Lyon."))


def find_style(template: str, special_tokens: Mapping[str, str], renderer: Renderer) -> MessageStyle:
    """The first style in which the template shows an answer and the arguments of a tool call.

    Where no style shows a call, one that at least does not fail; where none shows an answer, the default.
    """
    plain = _first_shown(template, special_tokens, renderer, PLAIN_PROBE, (), (MessageStyle(), CONTENT_PARTS))
    if plain is None:
        return MessageStyle()
    plain = _with_reasoning(plain, template, special_tokens, renderer)
    styles = [
        replace(style, content_parts=plain.content_parts, reasoning_apart=plain.reasoning_apart)
        for style in TOOL_STYLES
    ]
    return _first_shown(template, special_tokens, renderer, TOOL_PROBE, (PROBE_TOOL,), styles) or plain


THINKING_PROBE = (Message("user", "Which river?"), Message("assistant", "<think>\nA map.\n</think>\n\nThe Saone."))


def _with_reasoning(
    style: MessageStyle, template: str, special_tokens: Mapping[str, str], renderer: Renderer
) -> MessageStyle:
    """The style with reasoning apart, where the template then writes it, and otherwise leaves the tags as they are."""
    if "reasoning_content" not in template and "thinking" not in template:
        return style
    apart = replace(style, reasoning_apart=True)
    renders = [
        variables(
            THINKING_PROBE,
            (),
            template=template,
            style=each,
            special_tokens=special_tokens,
            add_generation_prompt=False,
        )
        for each in (style, apart)
    ]
    within, without = renderer.render_many(template, renders)
    if not isinstance(within, Rendering) or not isinstance(without, Rendering):
        return apart if isinstance(without, Rendering) and "A map." in without.text else style
    shown = "A map." in without.text and "The Saone." in without.text
    own_form = "<think>" in within.text and "<think>" not in without.text
    return apart if shown and (own_form or "A map." not in within.text) else style


CONTENT_PARTS = MessageStyle(content_parts=True)


def _first_shown(
    template: str,
    special_tokens: Mapping[str, str],
    renderer: Renderer,
    probe: Sequence[Message],
    tools: Sequence[Json],
    styles: Sequence[MessageStyle],
) -> MessageStyle | None:
    """The first style in which the rendering names Lyon as often as the probe does; else the first that renders."""
    mentions = sum(str(message).count("Lyon") for message in probe)
    renders = [
        variables(
            probe,
            tools,
            template=template,
            style=style,
            special_tokens=special_tokens,
            add_generation_prompt=False,
        )
        for style in styles
    ]
    rendered = [
        (style, result.text)
        for style, result in zip(styles, renderer.render_many(template, renders), strict=True)
        if isinstance(result, Rendering)
    ]
    shown = [style for style, text in rendered if text.count("Lyon") >= mentions and "None" not in text]
    return next(iter([*shown, *(style for style, _ in rendered)]), None)
