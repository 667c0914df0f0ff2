"""Tool calls in what a model wrote, in the forms that chat templates teach.

A template fixes how its model writes a call, and there are many: JSON with a name (Hermes, Qwen, Granite, Llama 3,
Mistral to v3, Cohere, MiniMax M1), a name and then JSON (Mistral from v11, DeepSeek, Kimi K2, gpt-oss, Functionary),
tags (Qwen3-Coder, Nemotron, GLM, MiniMax M2, Seed), and calls as in Python (Llama 3.2 and 4, LFM2). Special tokens may
be there or not: some forms cannot be told without them. Kimi K3 and MiniMax M3 are not read.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from assay.records import Json

from .json_values import agree, json_values

MOST_CALLS = 64
MOST_CHARACTERS = 50_000
"""Of a text are read; a model that repeats itself writes more."""


class Written(str):
    """A value as it stood between tags, which do not say whether `3` is a number or text."""


@dataclass(frozen=True)
class Call:
    """arguments are JSON; a value may be `Written`."""

    name: str
    arguments: Json


def calls_in(text: str) -> list[Call]:
    """Calls in the order in which they stand; what was thought before answering does not count."""
    text = text.rpartition("</think>")[2][:MOST_CHARACTERS]
    for read in (_tagged, _gemma, _json, _named_before_json, _python):
        found = [call for call, _ in zip(read(text), range(MOST_CALLS), strict=False)]
        if found:
            return found
    return []


def expected_calls(reference: str) -> list[Call]:
    """The calls of a reference: JSON of one or several, `[]` for none, or as a model would write them.

    Raises ValueError for anything else.
    """
    try:
        value = json.loads(reference)
    except (ValueError, RecursionError):
        value = None
    if value == []:
        return []
    found = list(_from_value(value)) if value is not None else calls_in(reference)
    if not found or (isinstance(value, list) and len(found) != len(value)):
        raise ValueError(f"the reference {reference!r:.60} is no tool call: write name and arguments as JSON, or []")
    return found


def arguments_agree(given: Json, expected: Json) -> bool:
    """As `agree`, and what stood between tags agrees in either reading."""
    if agree(given, expected):
        return True
    return any(agree(*pair) for pair in product(_readings(given), _readings(expected)))


def _readings(value: Json) -> Iterator[Json]:
    yield value
    if isinstance(value, Written):
        for read in (json.loads, ast.literal_eval):
            try:
                found = read(value.strip())
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
            yield found


_NAME = r"[A-Za-z_][\w.-]*"
_OPENING = re.compile(
    rf"<(?:[\w｜]+[:｜])?(?:(?:function=|invoke name=|function name=)[\"']?({_NAME})[\"']?"
    rf"|tool_call(?::\w+)?>\s*({_NAME}))\s*(?:<tool_sep[^<>]*>|>|(?=<arg_key))"
)
_VALUE = re.compile(
    r"<(?:[\w｜]+[:｜])?(?:parameter=|parameter name=|param name=)[\"']?([\w.-]+)[\"']?([^<>]*)>"
    r"(.*?)</(?:[\w｜]+[:｜])?(?:parameter|param)>"
    r"|<arg_key[^<>]*>(.*?)</arg_key[^<>]*>\s*<arg_value[^<>]*>(.*?)</arg_value[^<>]*>",
    re.DOTALL,
)


def _tagged(text: str) -> Iterator[Call]:
    """`<function=f><parameter=a>1</parameter></function>` and its likes; `<function=f>{"a": 1}</function>`."""
    openings = list(_OPENING.finditer(text))
    for number, opening in enumerate(openings):
        end = openings[number + 1].start() if number + 1 < len(openings) else len(text)
        body = text[opening.end() : end]
        name = opening.group(1) or opening.group(2)
        values = {
            (match.group(1) or match.group(4) or "").strip(): _value(match.group(2), match.group(3), match.group(5))
            for match in _VALUE.finditer(body)
        }
        if not values and body.lstrip().startswith("{"):
            values = next((value for value, _, _ in json_values(body, "{")), {})
        yield Call(name, values)


def _value(attributes: str | None, text: str | None, other: str | None) -> Json:
    """DeepSeek says of each parameter whether it is text."""
    found = text if text is not None else other or ""
    return found if attributes and 'string="true"' in attributes else Written(found)


_CALL_TEXT = re.compile(rf"call:({_NAME})(\{{.*?\}})(?=<tool_call\||<end_function_call|\s*$)", re.DOTALL)
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_]\w*):")


def _gemma(text: str) -> Iterator[Call]:
    """`call:f{a:<|"|>text<|"|>,b:1}`."""
    for match in _CALL_TEXT.finditer(text):
        parts = re.split(r"<\|\"\|>|<escape>", match.group(2))
        quoted = [json.dumps(part) if number % 2 else part for number, part in enumerate(parts)]
        plain = [part if number % 2 else _BARE_KEY.sub(r'\1"\2":', part) for number, part in enumerate(quoted)]
        try:
            yield Call(match.group(1), json.loads("".join(plain).replace(":None", ":null")))
        except (ValueError, RecursionError):
            continue


_GLAIVE = re.compile(rf"\{{\s*\"name\":\s*\"({_NAME})\",\s*\"arguments\":\s*'(.*?)'\s*\}}", re.DOTALL)


def _json(text: str) -> Iterator[Call]:
    """JSON objects with a name and arguments, alone, in a list, or one after the other."""
    for match in _GLAIVE.finditer(text):
        try:
            yield Call(match.group(1), json.loads(match.group(2)))
        except (ValueError, RecursionError):
            continue
    for value, start, _ in json_values(text):
        yield from _from_value(value)
        if text[:start].endswith("<|tools_prefix|>") and isinstance(value, list):
            yield from (Call(*pair) for item in value if isinstance(item, dict) for pair in item.items())


def _from_value(value: Json) -> Iterator[Call]:
    if isinstance(value, list):
        for item in value:
            yield from _from_value(item)
        return
    if not isinstance(value, dict):
        return
    if isinstance(value.get("tool_calls"), list):
        yield from _from_value(value["tool_calls"])
        return
    inner = value.get("function")
    said = inner if isinstance(inner, dict) else value
    name = next((said[key] for key in ("name", "tool_name") if isinstance(said.get(key), str)), None)
    key = next((key for key in ("arguments", "parameters") if key in said), None)
    if name and key is not None:
        yield Call(name, _parsed(said[key]))


def _parsed(arguments: Json) -> Json:
    """Arguments are an object, or its JSON as text; null is none."""
    if isinstance(arguments, str):
        try:
            return json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            return arguments
    return {} if arguments is None else arguments


_HEAD = re.compile(
    rf"(?:^|[>\]]|\bto=)\s*(?:functions\.)?({_NAME}?)(?::\d+)?"
    r"(?:\[CALL_ID\]\w+)?(?:\s*(?:<[^<>\n]{1,40}>|\[ARGS\]|```(?:json)?|(?<!\w)json\b|commentary\b))*\s*$"
)
_LEADING = 200
"""Characters before an object in which its name is looked for."""


def _named_before_json(text: str) -> Iterator[Call]:
    """A name and then its arguments: `f[ARGS]{"a": 1}`, `functions.f:0<|...|>{"a": 1}`."""
    before = 0
    for value, start, end in json_values(text, "{"):
        lead = text[max(before, start - _LEADING) : start]
        match = _HEAD.search(lead if start - _LEADING > before else f"{'>' if before else ''}{lead}")
        before = end
        if match is not None and match.group(1) not in ("json", "commentary"):
            yield Call(match.group(1), value)


_CALLS = re.compile(r"<\|tool_call_start\|>(.*?)(?:<\|tool_call_end\|>|$)|```tool_code\n(.*?)```", re.DOTALL)
_TOKENS = re.compile(r"<\|[^<>|\n]{1,40}\|>")
_PYTHON = re.compile(rf"\[?\s*{_NAME}\s*\(")
_JSON_NAMES = {"true": True, "false": False, "null": None}
MOST_PYTHON = 20_000


def _python(text: str) -> Iterator[Call]:
    """`[f(a=1), g()]` or `f.call(a=1)`, as the whole text or between marks, with keywords and plain values only."""
    match = _CALLS.search(text)
    code = (match.group(1) or match.group(2) or "") if match else _TOKENS.sub("", text)
    code = code.strip()
    if len(code) > MOST_PYTHON or not _PYTHON.match(code):
        return
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    nodes = [node.value for node in body if isinstance(node, ast.Expr)]
    calls = nodes[0].elts if len(nodes) == 1 and isinstance(nodes[0], ast.List) else nodes
    if len(nodes) == len(body):
        yield from _from_nodes(calls)


def _from_nodes(nodes: Sequence[ast.expr]) -> Iterator[Call]:
    try:
        calls = [_from_node(node) for node in nodes]
    except (ValueError, RecursionError):
        return
    yield from calls


def _from_node(node: ast.expr) -> Call:
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with keywords")
    name = ast.unparse(node.func).removesuffix(".call")
    return Call(name, {str(keyword.arg): _literal(keyword.value) for keyword in node.keywords})


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id in _JSON_NAMES:
        return _JSON_NAMES[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {_literal(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    return ast.literal_eval(node)
