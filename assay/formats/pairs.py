"""What the formats with one prompt and one answer in columns share (Alpaca, Dolly, question/answer)."""

from __future__ import annotations

from typing import Any, NamedTuple

from assay.formats.format import NotCarried, Parsed, Row, Unreadable, rest, with_meta
from assay.formats.values import describe, json_list, optional_text, text
from assay.records import Json, Message, Record


class PairColumns(NamedTuple):
    """The names of the columns; None where a format has no such column."""

    prompt: str
    answer: str
    input: str | None = None
    system: str | None = "system"
    history: str | None = None


INPUTS = ("input", "context")
"""Where meta keeps the input that a prompt ends on, so that it can be given back to its column."""


def read_pair(row: Row, columns: PairColumns) -> Parsed:
    """system, history, prompt with its input on the next line, answer. Raises Unreadable."""
    for name in (columns.prompt, columns.answer):
        if name not in row:
            raise Unreadable(f"no column '{name}'")
    messages: list[Message] = []
    system = _cell(row, columns.system)
    if system:
        messages.append(Message("system", system))
    if columns.history is not None:
        messages += _read_history(row.get(columns.history), columns.history)
    extra = _cell(row, columns.input)
    prompt = optional_text(row[columns.prompt], columns.prompt) if extra else text(row[columns.prompt], columns.prompt)
    messages.append(Message("user", "\n".join(part for part in (prompt, extra) if part)))
    messages.append(Message("assistant", text(row[columns.answer], columns.answer)))
    meta = rest(row, *(name for name in columns if name is not None))
    if columns.input is not None and extra and prompt:
        meta[columns.input] = extra
    return Parsed(tuple(messages), (), meta)


def write_pair(record: Record, columns: PairColumns) -> list[dict[str, Any]]:
    """The inverse; the prompt is divided into prompt and input again where meta holds the input. Raises NotCarried."""
    messages = list(record.messages)
    if record.tools:
        raise NotCarried("declared tools")
    for message in messages:
        _check_plain(message)
    row: dict[str, Any] = {}
    system = messages.pop(0).content if messages and messages[0].role == "system" else None
    roles = [message.role for message in messages]
    if roles != ["user", "assistant"] * (len(roles) // 2) or not roles:
        raise NotCarried("turns other than user and assistant by turns, ending on the assistant")
    if len(roles) > 2 and columns.history is None:
        raise NotCarried("more than one turn of the user")
    if system is not None and (columns.system is None or not system):
        raise NotCarried("a system turn" if system else "an empty system turn")
    prompt, answer = messages[-2].content or "", messages[-1].content
    row[columns.prompt] = prompt
    if columns.input is not None:
        row[columns.prompt], row[columns.input] = _divide(prompt, record)
    row[columns.answer] = answer
    if system is not None and columns.system is not None:
        row[columns.system] = system
    if len(roles) > 2 and columns.history is not None:
        contents = [message.content for message in messages[:-2]]
        row[columns.history] = [list(pair) for pair in zip(contents[::2], contents[1::2], strict=True)]
    return [with_meta(row, record, consumed=INPUTS if columns.input is not None else ())]


def _cell(row: Row, name: str | None) -> str:
    return optional_text(row.get(name), name) if name is not None else ""


def _read_history(value: Json, name: str) -> list[Message]:
    if value is None or value == "":
        return []
    messages: list[Message] = []
    for index, pair in enumerate(json_list(value, name)):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise Unreadable(f"pair {index + 1} of {name} is {describe(pair)}, not [prompt, answer]")
        messages.append(Message("user", text(pair[0], f"the prompt of pair {index + 1} of {name}")))
        messages.append(Message("assistant", text(pair[1], f"the answer of pair {index + 1} of {name}")))
    return messages


def _divide(prompt: str, record: Record) -> tuple[str, str]:
    for name in INPUTS:
        extra = record.meta.get(name)
        if isinstance(extra, str) and extra and prompt.endswith(f"\n{extra}"):
            return prompt[: -len(extra) - 1], extra
    return prompt, ""


def _check_plain(message: Message) -> None:
    if message.tool_calls or message.role == "tool" or message.tool_call_id is not None:
        raise NotCarried("tool calls")
    if message.name is not None:
        raise NotCarried("names of speakers")
    if message.train is not None:
        raise NotCarried("turns with a weight of their own")
    if message.content is None:
        raise NotCarried("turns without content")
