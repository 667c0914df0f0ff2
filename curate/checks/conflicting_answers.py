"""The conflicting_answers check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..contradictions.candidates import COLUMNS, asked_more_than_once
from ..contradictions.refusals import is_refusal
from ..duplicates.compare import Answers, answers_agree
from ..example import Example

SHORT = 400
"""Characters of an answer that settles its question; what is longer is told in as many ways as there are authors."""


SAME_WORDS = 0.6
"""Share of their different words from which two answers, with the same numbers, are one in two wordings."""


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.KEEP,
    columns=COLUMNS,
    unless=("contradiction", "reworded_answer"),
    examples=(
        Example(
            found=[
                ("Who are you?", "I am Ada, made by Acme."),
                ("who are you", "I am Ada and here to help."),
            ],
            not_found=[
                ("Name a fruit.", "Apple"),
                ("Name a fruit.", "Pear"),
                ("What is it?", '{"a": 1, "b": 2}'),
                ("What is it?", '{"b": 2, "a": 1}'),
            ],
        ),
    ),
)
def conflicting_answers(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """One prompt, in one context, has several different answers.

    The context is every turn before the answer, the system turn and the declared tools; case, punctuation, white
    space, politeness, plural endings and the order of JSON keys do not count. Prompts that invite many answers
    (write, suggest, name a ...) are passed over, and so are long answers, which differ in more than can be pointed at,
    several refusals, and answers with mostly the same words. Records that `contradiction` or `reworded_answer` speak of
    are left to them.

    Why: the model learns an average of the answers. Often one of them is outdated.

    Example: "Who are you?" answered by "I am Ada, made by Acme." and by "I am Ada and here to help."
    """
    for asked in asked_more_than_once(records, context):
        if asked.open_ended or not _may_conflict([answer.text for answer in asked.answers.values()]):
            continue
        count = sum(len(answer.positions) for answer in asked.answers.values())
        for key, same in asked.answers.items():
            other = records[next(answer.positions[0] for name, answer in asked.answers.items() if name != key)]
            for position in same.positions:
                record = records[position]
                yield conflicting_answers.about(
                    record,
                    f"{len(asked.answers)} different answers to one prompt; another is at {place(other, record)}",
                    group=asked.name,
                    evidence={"other": other.row_id, "answers": len(asked.answers), "records": count},
                )


def _may_conflict(answers: Sequence[str]) -> bool:
    """Whether two of the answers are short, one is no refusal, and one has other words or numbers than the first."""
    if sum(len(answer) <= SHORT for answer in answers) < 2 or all(map(is_refusal, answers)):
        return False
    first, *rest = (Answers.of(answer) for answer in answers)
    return not all(answers_agree(first, other, SAME_WORDS) for other in rest)
