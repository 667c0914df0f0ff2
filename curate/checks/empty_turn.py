"""The empty_turn check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..answers.invisible import visible
from ..check import Context, Decision, record_check
from ..example import Example

_NAMES = {"assistant": "answer", "user": "user turn", "system": "system turn", "tool": "tool result"}


@record_check(
    severity=Severity.ERROR,
    decision=Decision.DROP,
    examples=(
        Example(
            found=[("Name three colours.", ""), ("Name three colours.", " \n\u200b"), ("", "Red, blue, green.")],
            not_found=[("Name three colours.", "Red, blue, green."), ("Say nothing.", ".")],
        ),
    ),
)
def empty_turn(record: Record, context: Context) -> Iterator[Finding]:
    """A turn says nothing: no text, or only white space and invisible characters, and no tool call.

    Why: an empty answer teaches the model to end its turn at once, and an empty question teaches it to answer
    what nobody asked. An empty system turn or tool result is a warning only: some tools return nothing.

    Example: {"instruction": "Name three colours.", "output": ""}
    """
    for index, message in enumerate(record.messages):
        if visible(message.content or "") or message.tool_calls:
            continue
        name = _NAMES.get(message.role, f"turn of {message.role}")
        severity = Severity.ERROR if message.role in ("user", "assistant") else Severity.INFO
        yield empty_turn.about(
            record, f"the {name} (message {index}) is empty", severity=severity, evidence={"message": index}
        )
