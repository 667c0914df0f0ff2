"""Tool calls: requests that a declared tool serves, with a call whose arguments are valid by its schema."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from assay.errors import SettingsError
from assay.records import Json, Message, Record, Source, ToolCall, record_id, row_id

from ..asking.answers import read_fields, read_object, schema_of
from ..asking.prompting import ask
from ..comparing.words import conversation
from ..generator import Ask, Draft, Job, Outcome, Prompt, Refused, generator_from, load_prompt
from ..settings import SynthSettings
from ..starting.tools import Tool, problem, read_tools, tools_of

CALL_ID = "call_1"


@generator_from("tools")
def tool_calls(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    tools: str | None = None,
    per_tool: int = 20,
    offered: int = 4,
    answered: bool = False,
    template: str | None = None,
    result_template: str | None = None,
) -> Iterator[Job]:
    """Requests that a declared tool serves, each with the call.

    Why: a model learns when to call what from calls that fit; one with a wrong argument teaches to call wrongly.

    count            accepted records wanted
    tools            a JSON file with an array of tools in OpenAI's shape; without it the tools that the records declare
    per_tool         requests asked for of one tool
    offered          tools that a record declares: the one that is called, and others to choose from
    answered         ask for the tool's result too, and for the answer that is given with it; the result is invented
    template         file in place of `prompts/tool_calls.jinja`; it is given `tool`, `others`, `example`, `number`
    result_template  file in place of `prompts/tool_result.jinja`; it is given `conversation` and `tool`

    Arguments that are not valid by the tool's JSON schema are refused; a value that the request does not hold may still
    be wrong: a judge or a person sees that.

    Example: "Will it rain in Oslo tomorrow?" with get_weather({"city": "Oslo", "day": "tomorrow"}).
    """
    declared = read_tools(tools) if tools else tools_of(seeds)
    if not declared:
        raise SettingsError(
            "no record declares a tool",
            where="synth.methods.tool_calls",
            fix="set tools: tools.json, or give such records",
        )
    prompt, then = load_prompt("tool_calls", template), load_prompt("tool_result", result_template)
    for sample in range(per_tool):
        for number, tool in enumerate(declared):
            others = list(
                islice((other for other in _turned(declared, number + sample + 1) if other != tool), offered - 1)
            )
            seed = _seed(tool, number, seeds, sample)
            example = _example(seed)
            text = prompt.render(tool=tool, others=others, example=example, number=sample + 1)
            build = partial(_call, tool=tool, others=others, then=then if answered else None, settings=settings)
            request = ask(settings, text, sample=sample, schema=_schema(tool))
            yield Job(request, seed, prompt.sha256, build, f"{tool.name}:{sample}", settings={"tool": tool.name})


def _schema(tool: Tool) -> Mapping[str, Json] | None:
    """Of the whole answer; None where the tool's schema points into itself, which it cannot from within another."""
    if "$ref" in json.dumps(tool.parameters):
        return None
    properties = {"request": {"type": "string"}, "arguments": tool.parameters}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _call(answer: str, tool: Tool, others: Sequence[Tool], then: Prompt | None, settings: SynthSettings) -> Outcome:
    found = read_object(answer)
    if isinstance(found, Refused):
        return found
    request, arguments = found.get("request"), found.get("arguments")
    if not isinstance(request, str) or not request.strip():
        return Refused("parse", "the answer has no text 'request'")
    wrong = problem(arguments, tool)
    if wrong is not None:
        return Refused("schema", f"{tool.name}: {wrong}")
    if tool.name in request:
        return Refused("context", "the request names the tool, which no person knows")
    call = ToolCall(tool.name, arguments, CALL_ID)
    turns = (Message("user", request.strip()), Message("assistant", None, (call,)))
    declared = tuple(item.declaration for item in sorted((tool, *others), key=lambda item: item.name))
    draft = Draft(turns, tools=declared)
    if then is None:
        return draft
    text = then.render(conversation=conversation(turns), tool=tool)
    asked = ask(settings, text, schema=schema_of(("result", "answer")))
    return Ask((asked,), lambda answers: _answered(draft, answers[0]))


def _answered(draft: Draft, answer: str) -> Outcome:
    found = read_object(answer)
    result: Json = found.get("result") if isinstance(found, dict) else None
    if isinstance(result, dict | list):
        answer = json.dumps({**found, "result": json.dumps(result)} if isinstance(found, dict) else found)
    fields = read_fields(answer, ("result", "answer"))
    if isinstance(fields, Refused):
        return fields
    [call] = draft.messages[-1].tool_calls
    said = Message("tool", fields["result"], tool_call_id=call.id, name=call.name)
    return dataclasses.replace(draft, messages=(*draft.messages, said, Message("assistant", fields["answer"])))


def _seed(tool: Tool, number: int, seeds: Sequence[Record], sample: int) -> Record:
    """A record that calls the tool, another at each sample; the declaration alone where there is none."""
    calling = [
        record
        for record in seeds
        if any(call.name == tool.name for message in record.messages for call in message.tool_calls)
    ]
    if calling:
        return calling[sample % len(calling)]
    name = record_id((), (tool.declaration,))
    return Record(name, row_id(name, number), (), Source("tools", None, number))


def _example(seed: Record) -> str:
    return conversation(seed.messages[:2])


def _turned(tools: Sequence[Tool], by: int) -> list[Tool]:
    by %= len(tools)
    return [*tools[by:], *tools[:by]]
