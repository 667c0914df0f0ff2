"""The empty_answer check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check


@record_check(severity=Severity.ERROR, decision=Decision.DROP)
def empty_answer(record: Record, context: Context) -> Iterator[Finding]:
    """The last assistant turn says nothing and calls no tool.

    Why: the model is trained to end its turn at once.

    Example: {"instruction": "Name three colours.", "output": ""}
    """
    last = record.last_assistant_index
    if last is None:
        return
    message = record.messages[last]
    if not (message.content or "").strip() and not message.tool_calls:
        yield empty_answer.about(record, "the answer is empty", evidence={"message": last})
