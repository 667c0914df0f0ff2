"""What the chat formats share: a column with a list of turns, and beside it system and tools."""

from __future__ import annotations

from collections.abc import Mapping

from assay.formats.format import Parsed, Row, Unreadable, rest
from assay.formats.turns import EXTRAS, is_turn, read_turns
from assay.formats.values import json_list, optional_text, read_tools
from assay.records import Json, Message

TURN_COLUMNS = ("messages", "conversations", "conversation", "dialogue", "dialog")
TOOL_COLUMNS = ("tools", "functions")
SYSTEM_COLUMNS = ("system", "system_prompt")

SYSTEM_REMARK = "a system column beside a system turn is kept in meta; the turn counts"


def turn_column(row: Row) -> str | None:
    """The column that holds the turns."""
    for name in TURN_COLUMNS:
        if row.get(name) is not None:
            return name
    return None


def first_turn(row: Row) -> Mapping[str, Json] | None:
    """The first turn, when there is a list of turns."""
    name = turn_column(row)
    if name is None:
        return None
    value = row[name]
    if isinstance(value, str):
        try:
            value = json_list(value, name)
        except Unreadable:
            return None
    if isinstance(value, list | tuple) and value and is_turn(value[0]):
        first: Mapping[str, Json] = value[0]
        return first
    return None


def is_conversation(row: Row) -> bool:
    """Whether there is a column for turns, whatever is wrong with what it holds."""
    return "messages" in row or "conversations" in row or first_turn(row) is not None


def read_conversation(row: Row) -> Parsed:
    """Messages, tools and meta of a row in any chat format. Raises Unreadable."""
    name = turn_column(row)
    if name is None:
        raise Unreadable(f"no turns: none of the columns {', '.join(TURN_COLUMNS[:2])} holds any")
    system_name = next((column for column in SYSTEM_COLUMNS if row.get(column)), None)
    system = optional_text(row[system_name], system_name) if system_name else ""
    turns = read_turns(row[name], name)
    messages, remarks = turns.messages, turns.remarks
    used = [name, *TOOL_COLUMNS]
    extras = turns.extras
    if system and messages[0].role == "system":
        if messages[0].content == system:
            used.append(str(system_name))
        else:
            remarks = (*remarks, SYSTEM_REMARK)
    elif system:
        used.append(str(system_name))
        messages = (Message("system", system), *messages)
        extras = {str(int(index) + 1): extra for index, extra in extras.items()}
    tools: tuple[Json, ...] = ()
    for column in TOOL_COLUMNS:
        tools += read_tools(row.get(column), column)
    meta = rest(row, *used)
    if extras:
        meta[EXTRAS] = extras
    return Parsed(messages, tools, meta, remarks)
