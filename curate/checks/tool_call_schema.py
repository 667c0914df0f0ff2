"""The tool_call_schema check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.findings import Finding, Severity
from assay.records import Json, Record

from ..answers.tool_schema import argument_problems, declared_tools
from ..check import Context, Decision, record_check
from ..example import Example


def _call(arguments: Mapping[str, str]) -> Mapping[str, Json]:
    """A conversation that calls get_weather."""
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    call = {"type": "function", "function": {"name": "get_weather", "arguments": arguments}}
    return {
        "messages": [
            {"role": "user", "content": "How is the weather in Oslo?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": city}}],
    }


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    examples=(
        Example(
            found=[_call({"town": "Oslo"}), {**_call({"city": "Oslo"}), "tools": []}],
            not_found=[_call({"city": "Oslo"}), ("How is the weather in Oslo?", "It rains.")],
        ),
    ),
)
def tool_call_schema(record: Record, context: Context) -> Iterator[Finding]:
    """A tool call that does not fit the declared tools, or a tool result that no call asked for.

    Found are a tool that is not declared, arguments that do not parse, a missing or undeclared argument, a value
    of the wrong type or outside its enumeration, and a result without a call.

    Why: the model learns to make calls that the application refuses, or to expect results from nowhere.

    Example: get_weather(city: string) is called with {"town": "Oslo"}
    """
    for index, problem in _problems(record):
        yield tool_call_schema.about(record, problem, evidence={"message": index})


def _problems(record: Record) -> Iterator[tuple[int, str]]:
    declared = declared_tools(record.tools)
    waiting = 0
    ids: set[str] = set()
    for index, message in enumerate(record.messages):
        for call in message.tool_calls:
            waiting += 1
            if call.id is not None:
                ids.add(call.id)
            if call.name not in declared:
                known = f"declared are {', '.join(declared)}" if declared else "the record declares no tools"
                yield index, f"the call of '{call.name}' (message {index}): {known}"
                continue
            for problem in argument_problems(call.arguments, declared[call.name]):
                yield index, f"the call of '{call.name}' (message {index}): {problem}"
        if message.role != "tool":
            continue
        if waiting == 0:
            yield index, f"a tool result without a call (message {index})"
        elif message.tool_call_id is not None and ids and message.tool_call_id not in ids:
            yield (
                index,
                f"the tool result (message {index}) answers a call that nobody made",
            )
        waiting = max(0, waiting - 1)
