"""The contradiction check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..contradictions.candidates import COLUMNS, Asked, asked_more_than_once, recurring_labels
from ..contradictions.groups import Against, Budget, Compared, compare


@dataset_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    languages=("en", "de", "es", "zh", "ja", "ar"),
    columns=COLUMNS,
)
def contradiction(
    records: Sequence[Record], context: Context, *, min_confidence: float = 0.5, max_comparisons: int = 24
) -> Iterator[Finding]:
    """Two answers to one question cannot both be right: another number, date, label or name, yes against no, a
    refusal against an answer, JSON against prose.

    Questions are held to be one when context (system turn, earlier turns, tools) and wording are the same; case,
    politeness, articles, plural endings and a moved clause do not count, while another number, name, negation or
    content word does. Answers are compared fact by fact, JSON field by field; the evidence quotes what clashes.
    Where most of the records agree, only those that dissent are at fault and held, and the others are told of it
    (severity info); without a majority all are held, since nothing in the data says which is right. Prompts that
    invite many answers, and right answers in other words, do not contradict each other.

    max_comparisons bounds what each answer of a question is compared with. Where it leaves some out, or an answer
    is longer than what is compared, a finding of severity info says so.

    Text in other languages than the declared ones is not judged, but for JSON, labels and bare numbers.

    Why: the model learns that both are true, and says either with confidence.

    Example: "You have 30 days to return an item." and "You have 14 days to return an item."
    """
    labels = recurring_labels(context)
    for asked in asked_more_than_once(records, context):
        compared = compare(asked, labels, Budget(max_comparisons), min_confidence)
        for against in compared.against:
            for position in asked.answers[against.key].positions:
                yield _finding(records, position, asked, against)
        if compared.left_out or compared.cut:
            yield _left_out(records, asked, compared)


def _finding(records: Sequence[Record], position: int, asked: Asked, against: Against) -> Finding:
    record, other = records[position], records[asked.answers[against.other].positions[0]]
    clash = against.clash
    message = f"{clash.kind}: {clash.first[:70]!r} against {clash.second[:70]!r} at {place(other, record)}"
    if against.has_dissenter:
        message += "; most records say otherwise" if against.at_fault else "; most records agree with this one"
    return contradiction.about(
        record,
        message,
        severity=Severity.ERROR if against.at_fault else Severity.INFO,
        group=asked.name,
        evidence={
            "kind": clash.kind,
            "spans": [
                {"record_id": record.id, "text": clash.first},
                {"record_id": other.id, "text": clash.second},
            ],
            "confidence": clash.confidence,
            "dissenter": against.at_fault and against.has_dissenter,
            "other": other.row_id,
        },
    )


def _left_out(records: Sequence[Record], asked: Asked, compared: Compared) -> Finding:
    """That the cost limit was hit, said once a question."""
    first = next(iter(asked.answers.values())).positions[0]
    parts = []
    if compared.left_out:
        parts.append(f"{compared.left_out} of {compared.left_out + compared.made} comparisons of answers left out")
    if compared.cut:
        parts.append(f"{compared.cut} long answers compared in their beginning only")
    return contradiction.about(
        records[first],
        "not judged in full: " + ", ".join(parts),
        severity=Severity.INFO,
        group=asked.name,
        evidence={"comparisons": compared.made, "left_out": compared.left_out, "cut": compared.cut},
    )
