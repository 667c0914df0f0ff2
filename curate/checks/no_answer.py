"""The no_answer check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..example import Example


@record_check(
    severity=Severity.ERROR,
    decision=Decision.DROP,
    examples=(Example(found=[("Name three colours.",)], not_found=[("Name three colours.", "Red, blue, green.")]),),
)
def no_answer(record: Record, context: Context) -> Iterator[Finding]:
    """The conversation has no assistant turn.

    Why: there is nothing to learn from it, and a trainer that masks prompts sees no token at all.

    Example: {"messages": [{"role": "user", "content": "Name three colours."}]}
    """
    if record.last_assistant_index is None:
        yield no_answer.about(record, "there is no assistant turn")
