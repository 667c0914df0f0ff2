"""The arithmetic check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity, Span
from assay.records import Record

from ..answers.arithmetic import CUES, written, wrong_results
from ..answers.turns import exchanges
from ..check import Context, Decision, record_check
from ..example import Example


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    cues=CUES,
    examples=(
        Example(
            found=[
                ("How many clips?", "She sold 48/2 = 24 clips in May, so 48 + 24 = 74 in all."),
                ("How many clips?", "She sold 48/2 = <<48/2=26>>26 clips in May."),
                ("What is 20% of 50?", "20% of 50 is 15."),
            ],
            not_found=[
                ("How many clips?", "She sold 48/2 = 24 clips in May, and 48 + 24 = 72 in all."),
                ("How many a day?", "About 72 / 31 = 2.3 a day."),
                ("Solve it.", "2x + 3 = 7, so 2x = 4, and x = 2."),
                ("What does 2 + 2 = 5 stand for in Orwell's novel?", "For obedience: he says 2 + 2 = 5."),
            ],
        ),
    ),
)
def arithmetic(record: Record, context: Context) -> Iterator[Finding]:
    """The answer calculates, and the result is wrong: 12 * 7 = 86.

    Why: a model that is trained on wrong results learns that results need not follow from what is before them.

    Judged are numbers with operators on both sides of "=" (GSM8K's <<48/2=24>> too), "≈" within a tenth, and
    in English "12 plus 7 is 19" and "20% of 50 is 10". Results may be rounded or cut where they are written. Passed
    over are code, variables, dates, amounts in other units, other rules (modulo, binary), and what the prompt or the
    line calls wrong or a puzzle.

    Example: "She sold 48/2 = 24 clips in May, so 48 + 24 = 74 in all."
    """
    for index, question, answer in exchanges(record):
        for wrong in wrong_results(answer, question):
            yield arithmetic.about(
                record,
                f"{wrong.expression} = {wrong.stated}, but it is {written(wrong.expected)}",
                span=Span(index, wrong.start, wrong.end, answer[wrong.start : wrong.end]),
                evidence={"expression": wrong.expression, "stated": wrong.stated, "expected": written(wrong.expected)},
            )
