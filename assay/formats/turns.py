"""A list of turns, in any of the spellings in use: role/content (OpenAI), from/value (ShareGPT), typed parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from assay.formats.format import Unreadable
from assay.formats.values import describe, json_list, optional_text, read_call, read_calls_text, text
from assay.records import Json, Message, ToolCall

CALL = "function_call"

ROLE_NAMES = {
    **dict.fromkeys(("system",), "system"),
    **dict.fromkeys(("developer",), "developer"),
    **dict.fromkeys(("user", "human", "prompter", "customer"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai", "bing", "bard", "agent"), "assistant"),
    **dict.fromkeys(
        ("tool", "observation", "function", "function_response", "function-response", "tool_response", "ipython"),
        "tool",
    ),
    **dict.fromkeys((CALL, "function-call", "tool_call"), CALL),
}
ROLE_KEYS = ("role", "from", "speaker")
CONTENT_KEYS = ("content", "value", "text", "message")
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
WEIGHT_KEYS = ("weight", "loss_weight", "train", "loss")
UNDERSTOOD = {*ROLE_KEYS, *CONTENT_KEYS, *REASONING_KEYS, *WEIGHT_KEYS}
UNDERSTOOD |= {"tool_calls", "tool_call_id", "name", "function_call"}

REASONING_REMARK = "reasoning stands before the answer as <think>...</think>"
WEIGHT_REMARK = "a weight other than 0 and 1 counts as 1"
EXTRAS = "message_extras"
"""The column of meta that keeps what single turns hold beyond a message: {"index of the turn": {...}}."""


class Turns(NamedTuple):
    messages: tuple[Message, ...]
    extras: dict[str, Json]
    remarks: tuple[str, ...]


def read_turns(value: Json, where: str, first: int = 0) -> Turns:
    """Raises Unreadable naming the turn, counted from 1. `first` is the index of the first turn in its record."""
    messages: list[Message] = []
    extras: dict[str, Json] = {}
    remarks: set[str] = set()
    for index, turn in enumerate(json_list(value, where)):
        if not isinstance(turn, Mapping):
            raise Unreadable(f"turn {index + 1} of {where} is {describe(turn)}, not an object with a role and content")
        message, extra = _read_turn(turn, f"turn {index + 1}", remarks)
        messages.append(message)
        if extra:
            extras[str(first + index)] = extra
    if not messages:
        raise Unreadable(f"{where} holds no turn")
    return Turns(tuple(messages), extras, tuple(sorted(remarks)))


def is_turn(value: Json) -> bool:
    """Whether a value looks like one turn."""
    return isinstance(value, Mapping) and any(key in value for key in ROLE_KEYS)


def _read_turn(turn: Mapping[str, Json], where: str, remarks: set[str]) -> tuple[Message, dict[str, Json]]:
    role = _role(turn, where)
    where = f"{where} ({role})"
    raw = next((turn[key] for key in CONTENT_KEYS if turn.get(key) is not None), None)
    content, calls, reasoning = _read_content(raw, role, where)
    calls += _calls(turn, where)
    for key in REASONING_KEYS:
        reasoning += optional_text(turn.get(key), f"{key} of {where}")
    if content is None and not calls:
        raise Unreadable(f"{where} has no content")
    if calls and content == "":
        content = None
    if reasoning:
        remarks.add(REASONING_REMARK)
        content = f"<think>\n{reasoning}\n</think>\n\n{content or ''}"
    role = "assistant" if role == CALL else role
    message = Message(
        role, content, calls, _id(turn.get("tool_call_id")), _name(turn, where), _train(turn, role, where, remarks)
    )
    return message, {key: value for key, value in turn.items() if key not in UNDERSTOOD and value is not None}


def _role(turn: Mapping[str, Json], where: str) -> str:
    """One of assay.records.ROLES, CALL, or an unknown role as it stands, which is for the structure check to report."""
    raw = next((turn[key] for key in ROLE_KEYS if key in turn), None)
    if not isinstance(raw, str):
        raise Unreadable(f"{where} has no role" if raw is None else f"the role of {where} is {describe(raw)}")
    return ROLE_NAMES.get(raw) or ROLE_NAMES.get(raw.strip().lower(), raw)


def _read_content(raw: Json, role: str, where: str) -> tuple[str | None, tuple[ToolCall, ...], str]:
    """(text, tool calls, reasoning)"""
    if role == CALL:
        if isinstance(raw, Mapping):
            return None, (read_call(raw, where),), ""
        return None, read_calls_text(text(raw, where)), ""
    if raw is None or isinstance(raw, str):
        return raw, (), ""
    if isinstance(raw, Sequence):
        return _read_parts(raw, where)
    return text(raw, f"the content of {where}"), (), ""


def _read_parts(parts: Sequence[Json], where: str) -> tuple[str | None, tuple[ToolCall, ...], str]:
    texts: list[str] = []
    calls: list[ToolCall] = []
    reasoning: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, Mapping):
            raise Unreadable(f"{where} holds {describe(part)} among its parts")
        kind = part.get("type", "text")
        value = next((part[key] for key in ("text", "value", "content", str(kind)) if part.get(key) is not None), None)
        if kind in ("text", "refusal", "input_text", "output_text"):
            texts.append(text(value, f"a text part of {where}"))
        elif kind in ("reasoning", "thinking"):
            reasoning.append(text(value, f"a reasoning part of {where}"))
        elif kind in ("tool_call", CALL):
            calls += read_calls_text(value) if isinstance(value, str) else (read_call(value, where),)
        else:
            raise Unreadable(f"{where} has a part of type {kind!r:.40}; assay reads text only")
    return ("".join(texts) if texts or not calls else None), tuple(calls), "\n".join(reasoning)


def _calls(turn: Mapping[str, Json], where: str) -> tuple[ToolCall, ...]:
    calls: tuple[ToolCall, ...] = ()
    if turn.get("tool_calls") is not None:
        listed = json_list(turn["tool_calls"], f"tool_calls of {where}")
        calls += tuple(read_call(call, f"a tool call of {where}") for call in listed)
    if turn.get(CALL) is not None:
        calls += (read_call(turn[CALL], f"function_call of {where}"),)
    return calls


def _id(value: Json) -> str | None:
    return None if value is None or value == "" else str(value)


def _name(turn: Mapping[str, Json], where: str) -> str | None:
    return optional_text(turn.get("name"), f"the name of {where}") or None


def _train(turn: Mapping[str, Json], role: str, where: str, remarks: set[str]) -> bool | None:
    """None where the weight says what is the default of the role anyway: the same content keeps the same id."""
    key = next((key for key in WEIGHT_KEYS if turn.get(key) is not None), None)
    if key is None:
        return None
    weight = {"0": 0, "1": 1}.get(turn[key], turn[key]) if isinstance(turn[key], str) else turn[key]
    if not isinstance(weight, int | float):
        raise Unreadable(f"{key} of {where} is {describe(weight)}, not 0 or 1")
    if weight not in (0, 1):
        remarks.add(WEIGHT_REMARK)
    trained = weight != 0
    return None if trained == (role == "assistant") else trained


def write_extras(turns: list[dict[str, Any]], meta: Mapping[str, Json]) -> None:
    """Puts back what `read_turns` kept aside."""
    for index, extra in (meta.get(EXTRAS) or {}).items():
        if int(index) < len(turns):
            turns[int(index)] = {**extra, **turns[int(index)]}
