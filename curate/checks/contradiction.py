"""The contradiction check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..contradictions.clash import Clash, Question, find_clash
from ..contradictions.prompts import Asked, asked_more_than_once, recurring_labels

MAX_ANSWERS = 24
"""Different answers to one prompt that are compared pair by pair; of more, each is compared with the first ones."""


@dataset_check(severity=Severity.ERROR, decision=Decision.HOLD, languages=("en",))
def contradiction(records: Sequence[Record], context: Context, *, min_confidence: float = 0.5) -> Iterator[Finding]:
    """Two answers to one prompt cannot both be right: another number, date, label or name, yes against no, a
    refusal against an answer, JSON against prose.

    Answers are compared fact by fact, JSON field by field; the evidence quotes what clashes. Where most of the
    records agree, only those that dissent are at fault and held, and the others are told of it (severity info);
    without a majority all are held, since nothing in the data says which is right. Records in prompts that
    invite many answers, and right answers in other words, do not contradict each other.

    Why: the model learns that both are true, and says either with confidence.

    Example: "You have 30 days to return an item." and "You have 14 days to return an item."
    """
    labels = recurring_labels(records, context)
    for asked in asked_more_than_once(records, context):
        question = Question(asked.prompt, asked.open_ended, labels)
        clashes = _clashes(asked, question, min_confidence)
        if clashes:
            yield from _findings(asked, clashes)


def _clashes(asked: Asked, question: Question, min_confidence: float) -> dict[tuple[str, str], Clash]:
    """{(answer, other answer): where they clash}, by the keys of the answers."""
    keys = sorted(asked.answers, key=lambda key: -len(asked.answers[key]))
    pairs = [(a, b) for a, b in combinations(keys, 2) if len(keys) <= MAX_ANSWERS or a in keys[:MAX_ANSWERS]]
    found = {}
    for a, b in pairs:
        clash = find_clash(asked.answers[a][0].answer, asked.answers[b][0].answer, question)
        if clash is not None and clash.confidence >= min_confidence:
            found[a, b] = clash
    return found


def _findings(asked: Asked, clashes: dict[tuple[str, str], Clash]) -> Iterator[Finding]:
    against: dict[str, dict[str, Clash]] = defaultdict(dict)
    for (a, b), clash in clashes.items():
        against[a][b] = clash
        against[b][a] = clash._replace(first=clash.second, second=clash.first)
    votes = {key: len(rows) for key, rows in asked.answers.items()}
    dissenting = [key for key in against if _dissents(key, against[key], votes)]
    for key, others in against.items():
        at_fault = key in dissenting or not dissenting
        other = max(others, key=lambda name: (others[name].confidence, votes[name]))
        for record in asked.answers[key]:
            yield _finding(record, asked, others[other], asked.answers[other][0], at_fault, bool(dissenting))


def _dissents(key: str, others: dict[str, Clash], votes: dict[str, int]) -> bool:
    """Whether more records contradict this answer than give it or can live with it, and at least two do."""
    contradicted = sum(votes[other] for other in others)
    return contradicted >= 2 and contradicted > sum(votes.values()) - contradicted


def _finding(record: Record, asked: Asked, clash: Clash, other: Record, at_fault: bool, has_dissenter: bool) -> Finding:
    message = f"{clash.kind}: {clash.first[:70]!r} against {clash.second[:70]!r} at {place(other, record)}"
    if has_dissenter:
        message += "; most records say otherwise" if at_fault else "; most records agree with this one"
    return contradiction.about(
        record,
        message,
        severity=Severity.ERROR if at_fault else Severity.INFO,
        group=asked.name,
        evidence={
            "kind": clash.kind,
            "spans": [
                {"record_id": record.id, "text": clash.first},
                {"record_id": other.id, "text": clash.second},
            ],
            "confidence": clash.confidence,
            "dissenter": at_fault and has_dissenter,
            "other": other.row_id,
        },
    )
