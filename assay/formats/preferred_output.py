"""OpenAI's preference format: {"input": {"messages", "tools"}, "preferred_output", "non_preferred_output"}.

The preferred output is the answer; the other one is kept in meta.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.formats.format import Format, NotCarried, Parsed, Row, Unreadable, rest, with_meta
from assay.formats.messages import write_message
from assay.formats.turns import EXTRAS, read_turns, write_extras
from assay.formats.values import describe, read_tools
from assay.records import Record

REMARK = "the preferred output is the answer"


def fits(row: Row) -> bool:
    return "preferred_output" in row


def read(row: Row) -> Parsed:
    given = row.get("input")
    if not isinstance(given, Mapping) or "messages" not in given:
        raise Unreadable(f"input is {describe(given)}, not an object with messages")
    prompt = read_turns(given["messages"], "input.messages")
    output = read_turns(row.get("preferred_output"), "preferred_output", len(prompt.messages))
    meta = rest(row, "input", "preferred_output")
    beyond = rest(given, "messages", "tools")
    if beyond:
        meta["input"] = beyond
    extras = {**prompt.extras, **output.extras}
    if extras:
        meta[EXTRAS] = extras
    remarks = tuple(sorted({REMARK, *prompt.remarks, *output.remarks}))
    return Parsed(prompt.messages + output.messages, read_tools(given.get("tools")), meta, remarks)


def write(record: Record) -> list[dict[str, Any]]:
    other = record.meta.get("non_preferred_output", record.meta.get("rejected"))
    if other is None:
        raise NotCarried("a record without an output that is not preferred")
    if len(record.messages) < 2 or record.messages[-1].role != "assistant":
        raise NotCarried("a conversation that does not end on an answer of the assistant")
    turns = [write_message(message) for message in record.messages]
    write_extras(turns, record.meta)
    beyond = record.meta.get("input")
    given: dict[str, Any] = {"messages": turns[:-1], **(beyond if isinstance(beyond, Mapping) else {})}
    if record.tools:
        given["tools"] = list(record.tools)
    row = {"input": given, "preferred_output": turns[-1:], "non_preferred_output": other}
    return [with_meta(row, record, consumed=(EXTRAS, "input", "non_preferred_output", "rejected"))]


FORMAT = Format(
    name="preferred_output",
    title="OpenAI preference pairs",
    fits=fits,
    read=read,
    write=write,
)
