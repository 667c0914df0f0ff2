"""The surrounding_white_space check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from assay.findings import Finding, Severity
from assay.records import Record

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


def _ends(text: str) -> dict[str, str]:
    """The beginning and the end of a text before and after the repair."""
    after = _trim(text)
    return {"before": _shown(text), "after": _shown(after)}


def _shown(text: str) -> str:
    return text if len(text) <= 2 * SHOWN else f"{text[:SHOWN]} [...] {text[-SHOWN:]}"


def _repaired(record: Record) -> Record:
    return record.with_messages(
        replace(message, content=_trim(message.content)) if message.content and message.role != "tool" else message
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
    the model. The repair trims the turns and nothing else; the indentation of code that begins with it stays.

    Example: {"output": " Paris.\\n\\n"}
    """
    for index, message in enumerate(record.messages):
        content = message.content or ""
        if message.role != "tool" and visible(content) and _trim(content) != content:
            yield surrounding_white_space.about(
                record,
                f"white space around the {message.role} turn (message {index})",
                evidence={"message": index, **_ends(content)},
            )
            return
