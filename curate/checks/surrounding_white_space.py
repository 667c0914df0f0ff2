"""The surrounding_white_space check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assay.findings import Finding, Severity
from assay.records import Message, Record

from ..answers.invisible import INVISIBLE, visible
from ..answers.markup import is_code_line
from ..check import Context, Decision, record_check
from ..example import Example

SHOWN = 30
"""Characters of each end that the evidence shows."""

_INDENTED_CODE = re.compile(r"(?:[ \t]*\n)*(?P<indent>[ \t]+)\S[^\n]*(?:\n[ \t]*)*\n(?P=indent)\S")
"""A first line indented as the next one is: code that continues its prompt, whose indentation is content."""


def _trim(text: str) -> str:
    before = None
    while before != text:
        before, text = text, _strip(text).strip(INVISIBLE)
    return text


def _strip(text: str) -> str:
    code = _INDENTED_CODE.match(text)
    if code is not None:
        return text[code.start("indent") :].rstrip()
    return text.rstrip() if text[:1] in (" ", "\t") and is_code_line(text.split("\n", 1)[0]) else text.strip()


def _trimmed(message: Message) -> str:
    """The content of a turn after the repair."""
    content = message.content or ""
    trimmed = _trim(content)
    if not message.tool_calls or trimmed == content:
        return trimmed
    return content[content.rindex(trimmed) :]  # the turn goes on with its calls: what stands before them is no end


def _shown(text: str) -> str:
    return text if len(text) <= 2 * SHOWN else f"{text[:SHOWN]} [...] {text[-SHOWN:]}"


def _repaired(record: Record) -> Record:
    return record.with_messages(
        replace(message, content=_trimmed(message)) if message.content and message.role != "tool" else message
        for message in record.messages
    )


@record_check(
    severity=Severity.WARNING,
    decision=Decision.REPAIR,
    repair=_repaired,
    examples=(
        Example(
            found=[("What is the capital of France?", " Paris.\n\n")],
            not_found=[
                ("What is the capital of France?", "Paris."),
                ("Complete the function.", "    total = 0\n    return total"),
            ],
        ),
    ),
)
def surrounding_white_space(record: Record, context: Context) -> Iterator[Finding]:
    """A turn begins or ends with white space or invisible characters.

    Why: an answer that starts with a blank is another first token than the one the model sees at inference, and
    a blank at its end is trained as if it belonged to the answer. Whether the chat template trims it depends on
    the model. The repair trims the turns and nothing else; the indentation of code that begins with it stays, and so
    does what separates the text of a turn, such as its thinking, from its tool calls.

    Example: {"output": " Paris.\\n\\n"}
    """
    for index, message in enumerate(record.messages):
        content = message.content or ""
        if content and "!" <= content[0] <= "~" and "!" <= content[-1] <= "~":
            continue
        after = _trimmed(message) if message.role != "tool" and visible(content) else content
        if after != content:
            yield surrounding_white_space.about(
                record,
                f"white space around the {message.role} turn (message {index})",
                evidence={"message": index, "before": _shown(content), "after": _shown(after)},
            )
            return
