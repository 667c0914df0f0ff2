"""The over_long_answer check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, record_check
from ..example import Example
from ..template.truncation import truncation


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    examples=(
        Example(
            found=[("Which intent?", "The day's log. " * 400)],
            not_found=[("Which intent?", "return"), ("Which intent?", "refund"), ("Which intent?", "delivery")],
        ),
    ),
)
def over_long_answer(
    record: Record,
    context: Context,
    *,
    max_length: int = 0,
    outlier_characters: int = 3000,
    outlier_factor: float = 20.0,
) -> Iterator[Finding]:
    """The record has more tokens than the model takes, or its answer is far longer than all others.

    Why: beyond `max_length` (0 means the target's context length) the end of the answer and its stop token are
    cut, and the model learns to break off. The evidence counts the trained tokens that would be lost, and names the
    turns that are cut short and those that are lost as a whole; the summary adds them up.

    An essay where others give one line teaches another task.

    An answer is far longer from `outlier_characters` on, when it is also `outlier_factor` times the median answer.

    Example: a day's log in place of {"intent": "return"}
    """
    if context.target is not None:
        lost = truncation(record, context, max_length or context.target.context_length)
        if lost is not None:
            yield over_long_answer.about(record, lost.message(), evidence=lost.to_json())
            return
    length = len(record.answer)
    if length < outlier_characters:
        return
    typical = context.once("median_answer_characters", lambda: _median_characters(context.sample or [record]))
    if length > outlier_factor * typical:
        yield over_long_answer.about(
            record,
            f"an answer of {length:,} characters, where half of the answers have at most {typical:,.0f}",
            severity=Severity.WARNING,
            evidence={"kind": "outlier", "characters": length, "median": typical},
        )


def _median_characters(records: Sequence[Record]) -> float:
    return median(len(record.answer) for record in records)
