"""Whether a rendered conversation shows its tools: those declared, and the results of calls.

Calls themselves are a matter of the loss (`assay.chat.answers`): they are what is trained.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from assay.chat.answers import Note
from assay.records import Json, Message, Record

WORDS = 12
FEWEST_SHOWN = 0.3
"""Share of the words: templates write results as they are, as JSON strings, or as lists of their own."""

NEAR, MOST = 160, 2_000
"""Characters in which so many words stand in most results, and in which they are looked for."""

_WORD = re.compile(r"[^\W_]{3,}")


def hidden_tools(messages: Sequence[Message], tools: Sequence[Json], text: str) -> list[str]:
    """What the template leaves out of the text of a conversation with tools, in words."""
    return [note.message for note in _notes(messages, tools, text)]


def tool_notes(record: Record, text: str) -> list[Note]:
    """What the template leaves out of the text, as notes for the check that reports what it does not render."""
    return _notes(record.messages, record.tools, text)


def _notes(messages: Sequence[Message], tools: Sequence[Json], text: str) -> list[Note]:
    notes = []
    hidden = [name for name in map(tool_name, tools) if name and name not in text]
    if hidden:
        notes.append(
            Note(
                "template_renders",
                "tools_not_shown",
                f"the template does not show the declared tools ({', '.join(hidden[:3])}"
                f"{', ...' if len(hidden) > 3 else ''}): the model never sees what it may call",
                0,
            )
        )
    for index, message in enumerate(messages):
        if message.role == "tool" and not _shows(text, message.content or ""):
            what = f"the template leaves out the tool result of turn {index}, on which the answer rests"
            notes.append(Note("template_renders", "result_not_shown", what, index))
    return notes


def tool_name(tool: Json) -> str:
    """As a tool is declared, under `function` or bare; "" where it has none."""
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def _shows(text: str, result: str) -> bool:
    """Whether the text holds the result, or enough of its words where the template writes it in another form."""
    if result.strip() in text:
        return True
    words = _words(result)
    missing = len(words) - ceil(FEWEST_SHOWN * len(words))  # so many may be
    for word in words:
        if word not in text:
            missing -= 1
            if missing < 0:
                return False
    return True


def _words(result: str) -> list[str]:
    """The first `WORDS` of them."""
    if len(result) > NEAR and len(found := _WORD.findall(result, 0, NEAR)) > WORDS:  # the last may be cut short
        return found[:WORDS]
    return _WORD.findall(result, 0, MOST)[:WORDS]
