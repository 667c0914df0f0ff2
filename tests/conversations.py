"""Conversations that hypothesis makes, a few of one shape at a time, as they stand in a data set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from assay.records import Json, Message, Record, Source, ToolCall, record_id

ODD = (
    "</think>", "<think>", "<think>a</think>b", "<|im_end|>", "<|eot_id|>", "<tool_call>", "<tool_response>", "[INST]",
    "12", "-1.5", "1e5", "nan", "true", "None", "null", '"', "'", "\\", "\\n", "&", "<", ">", "{", "}", "[]", "{}",
    "{{ x }}", "{% x %}", "a\nb", "a\n\nb", "\r\n", "user", "tool", "string", "image", "off", "high", "/no_think",
    "=", ",", ".", ":", "(", ")", "<|channel>", "<channel|>", "Zq0x7Kd", "é", "🙂", "\u2028", " ", "\t", "x" * 200,
)  # fmt: skip

contents = st.lists(st.sampled_from(ODD) | st.text(max_size=6) | st.just("plain words"), min_size=1, max_size=4).map(
    "".join
) | st.sampled_from(["plain words", "other words", "", " padded ", "so\n"])
spaced = st.tuples(st.sampled_from(["", "", "<think>\nhm\n</think>\n\n"]), contents).map("".join)
numbers = (
    st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, -1])
)
names = st.sampled_from(
    ["look", "find", "book_a_table", "api.v2/rates:all", "x", "é", "a b", "", "user", "Zq0x7Kd"]
) | (st.text("abz_-.9", min_size=1, max_size=9))
KINDS = ("system", "ask", "answer", "call", "two calls", "say and call", "result", "untrained")


def tool(name: str, description: str) -> Json:
    properties = {
        "place": {"type": "string", "description": description, "enum": ["Lyon", "Genf"]},
        "days": {"type": "integer", "default": 3},
        "more": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": ["number", "null"]}}}},
    }
    parameters = {"type": "object", "properties": properties, "required": ["place"]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOL_LISTS: tuple[tuple[Json, ...], ...] = (
    (),
    (tool("look", "Looks."),),
    (tool("look", 'Looks "there" \\ & <here>.'), tool("find", "Finds é\n")),
    ({"type": "function", "function": {"name": "bare", "description": "Nothing.", "parameters": {}}},),
)
SEQUENCES = (
    ("ask", "answer"),
    ("system", "ask", "answer"),
    ("ask", "answer", "ask", "answer"),
    ("ask", "untrained", "ask", "answer"),
    ("system", "ask", "call", "result", "answer"),
    ("ask", "call", "result", "answer", "ask", "call", "result", "answer"),
    ("ask", "two calls", "result", "result", "answer"),
    ("ask", "say and call", "result", "answer"),
    ("ask", "call"),
)


@st.composite
def alike(draw: st.DrawFn) -> list[Record]:
    """Four records with the same turns, and tools of the same form, and mostly the same shape."""
    kinds = draw(st.sampled_from(SEQUENCES) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
    tools = draw(st.sampled_from(TOOL_LISTS))
    named, long_ids = draw(st.booleans()), draw(st.booleans())
    form = draw(st.sampled_from(["texts", "numbers", "nested", "none"]))
    made = [_record(draw, kinds, tools, named, long_ids, form, row) for row in range(4)]
    if not draw(st.booleans()):
        return made
    return [with_own_names(item, draw(st.lists(names, min_size=3, max_size=3)), draw(contents)) for item in made]


def with_own_names(record: Record, names: list[str], description: str) -> Record:
    """The record with other names for its tools, in its calls and results too, and another description."""
    others = dict(zip(("look", "find", "bare"), names, strict=True))
    tools = tuple(
        {**item, "function": {**item["function"], "name": others[item["function"]["name"]], "description": description}}
        for item in record.tools
    )
    messages = tuple(
        replace(
            message,
            name=others.get(message.name or "", message.name),
            tool_calls=tuple(replace(call, name=others[call.name]) for call in message.tool_calls),
        )
        for message in record.messages
    )
    return replace(record, id=record_id(messages, tools), messages=messages, tools=tools)


def _record(
    draw: st.DrawFn, kinds: Any, tools: tuple[Json, ...], named: bool, long_ids: bool, form: str, row: int
) -> Record:
    messages: list[Message] = []
    open_ids: list[str | None] = []
    for place, kind in enumerate(kinds):
        if kind in ("call", "two calls", "say and call"):
            count = 2 if kind == "two calls" else 1
            ids = [f"id{row}x{place}x{n}abc" if long_ids else None for n in range(count)]
            calls = tuple(ToolCall(("look", "find")[n], _arguments(draw, form), own) for n, own in enumerate(ids))
            messages.append(Message("assistant", draw(spaced) if kind == "say and call" else None, calls))
            open_ids += ids
        elif kind == "result":
            answered = open_ids.pop(0) if open_ids else None
            messages.append(Message("tool", draw(contents), tool_call_id=answered, name="look" if named else None))
        elif kind in ("answer", "untrained"):
            messages.append(Message("assistant", draw(spaced), train=False if kind == "untrained" else None))
        else:
            messages.append(Message("system" if kind == "system" else "user", draw(contents)))
    made = tuple(messages)
    return Record(record_id(made, tools), f"row {row}", made, Source("a.jsonl", row + 1, row), tools=tools)


def _arguments(draw: st.DrawFn, form: str) -> Json:
    if form == "none":
        return {}
    if form == "texts":
        return {"place": draw(contents), "unit": draw(contents)}
    if form == "numbers":
        return {"place": draw(contents), "days": draw(numbers), "exact": draw(st.booleans())}
    return {"more": [{"x": draw(contents)}, draw(numbers), None, [draw(contents)]], "days": draw(numbers)}
