"""A conversation as text that a person can edit, and back.

Each turn follows a line such as `==== 1 user ====`, with a rule that is longer than any in the turns. Lines of `#` at
the top are for the person. What is no text (tool calls, names) stays with its turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from assay.errors import SourceError
from assay.records import Message

HELP = """\
# Change the turns, save, and leave the editor. The lines of = stay as they are. Leave without saving to change nothing.
"""


def to_text(messages: Sequence[Message]) -> str:
    rule = _rule(messages)
    parts = [f"{rule} {number} {turn.role} {rule}\n{turn.content or ''}" for number, turn in enumerate(messages)]
    return HELP + "\n".join(parts) + "\n"


def from_text(text: str, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The turns with what was written in place of their contents. Raises SourceError when one is missing.

    White space at both ends of a turn is taken away, unless the turn is as it was.
    """
    rule = re.escape(_rule(messages))
    heads = [rf"{rule} {number} {re.escape(message.role)} {rule}[ \t]*" for number, message in enumerate(messages)]
    found = re.fullmatch(
        r".*?^" + r"^".join(rf"{head}\n(?P<turn{number}>.*?)" for number, head in enumerate(heads)) + r"\Z",
        text.replace("\r\n", "\n"),
        re.DOTALL | re.MULTILINE,
    )
    if found is None:
        raise SourceError("the lines that part the turns were changed", fix="edit it again, and leave them as they are")
    return tuple(
        _edited(message, found.group(f"turn{number}").removesuffix("\n")) for number, message in enumerate(messages)
    )


def _edited(message: Message, text: str) -> Message:
    old = message.content or ""
    if text.strip() == old.replace("\r\n", "\n").strip():
        return message
    return replace(message, content=text.strip())


def _rule(messages: Sequence[Message]) -> str:
    text = "\n".join(message.content or "" for message in messages)
    longest = max((len(run) for run in re.findall(r"^=+", text, re.MULTILINE)), default=0)
    return "=" * max(4, longest + 1)
