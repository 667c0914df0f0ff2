"""The contradiction check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.findings import Finding, Severity
from assay.records import Record
from assay.text import shortened

from ..check import Context, Decision, dataset_check, place
from ..contradictions.candidates import COLUMNS, Asked, asked_more_than_once, recurring_labels
from ..contradictions.confirmers import Confirmer, read_confirm
from ..contradictions.groups import Against, Compared, compare
from ..contradictions.groups import confirm as ask_confirmer
from ..example import Example

LONGEST_QUOTED = 70
"""Characters of each answer in the line that says what clashes."""


@dataset_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    languages=("en", "de", "es", "zh", "ja", "ar"),
    columns=COLUMNS,
    examples=(
        Example(
            found=[
                ("How long can I return it?", "You have 30 days to return an item."),
                ("Please tell me how long I can return it.", "You have 14 days to return an item."),
                ("Is it waterproof?", "Yes, it can be immersed."),
                ("is it waterproof", "No, keep it dry."),
                ("Read the ticket.", '{"intent": "refund"}'),
                ("Read the ticket.", '{"intent": "cancel"}'),
                ("Wann endet die Frist?", "Die Frist endet am 5. März 2024."),
                ("Wann endet die Frist?", "Die Frist endet am 15.03.2024."),
            ],
            not_found=[
                ("How far is it?", "It is 2 km away."),
                ("How far is it?", "It is 2,000 metres away."),
                ("Name a fruit.", "Apple"),
                ("Name a fruit.", "Pear"),
                ("How long is the cable of model 3?", "The cable is 1 m long."),
                ("How long is the cable of model 4?", "The cable is 2 m long."),
            ],
        ),
    ),
)
def contradiction(
    records: Sequence[Record],
    context: Context,
    *,
    min_confidence: float = 0.5,
    max_comparisons: int = 24,
    same_meaning: float = 0.8,
    confirm: Mapping[str, Any] | None = None,
) -> Iterator[Finding]:
    """Two answers to one question cannot both be right: another number, date, label or name, yes against no, a
    refusal against an answer, JSON against prose.

    Questions are held to be one when context (system turn, earlier turns, tools) and wording are the same; case,
    politeness, articles, plural endings and a moved clause do not count, while another number, name, negation or
    content word does. Where an encoder is installed (`curate.encoder`), questions in other words are read as one
    when their cosine reaches same_meaning and each word has its counterpart; 0 turns that off. Answers are compared
    fact by fact, JSON field by field; the evidence quotes what clashes. Where most of the records agree, only those
    that dissent are at fault and held, and the others are told of it (severity info); without a majority all are
    held, since nothing in the data says which is right. Prompts that invite many answers, and right answers in other
    words, do not contradict each other.

    max_comparisons bounds what each answer of a question is compared with. Where it leaves some out, or an answer
    is longer than what is compared, a finding of severity info says so.

    confirm adds a second opinion, on what the rules found and on statements that no rule covers (kind "free"):
    {nli: MODEL} a cross-encoder for natural-language inference, a hub id or a folder; {judge: {provider: openai,
    model: NAME, max_usd: 1}} a language model, whose cost is estimated first and capped.

    Text in other languages than the declared ones is not judged, but for JSON, labels and bare numbers.

    Why: the model learns that both are true, and says either with confidence.

    Example: "You have 30 days to return an item." and "You have 14 days to return an item."
    """
    labels = recurring_labels(context)
    asked = asked_more_than_once(records, context, same_meaning)
    groups = [compare(question, labels, max_comparisons) for question in asked]
    confirmer = _confirmer(confirm, context)
    unjudged = ask_confirmer(groups, confirmer) if confirmer is not None else 0
    for compared in groups:
        for against in compared.against(min_confidence):
            for position in compared.asked.answers[against.key].positions:
                yield _finding(records, position, compared.asked, against)
        if compared.left_out or compared.cut:
            yield _left_out(records, compared.asked, compared)
    if confirmer is not None and unjudged:
        yield _unconfirmed(records, groups[0].asked, confirmer, unjudged)


def _confirmer(given: Mapping[str, Any] | None, context: Context) -> Confirmer | None:
    """What the command made, or the NLI model that the setting names."""
    settings = read_confirm(given)
    if settings is None or context.confirmer is not None:
        return context.confirmer if settings is not None else None
    from ..contradictions.confirm import make_confirmer

    return make_confirmer(settings)


def _finding(records: Sequence[Record], position: int, asked: Asked, against: Against) -> Finding:
    record, other = records[position], records[asked.answers[against.other].positions[0]]
    clash = against.clash
    first, second = shortened(clash.first, LONGEST_QUOTED), shortened(clash.second, LONGEST_QUOTED)
    message = f"{clash.kind}: {first!r} against {second!r} at {place(other, record)}"
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


def _unconfirmed(records: Sequence[Record], asked: Asked, confirmer: Confirmer, unjudged: int) -> Finding:
    """That the confirmer was not asked about all there was to ask, said once."""
    first = next(iter(asked.answers.values())).positions[0]
    return contradiction.about(
        records[first],
        f"{confirmer.name} gave no opinion of {unjudged} pairs of answers: its cap was reached, or it gave no verdict",
        severity=Severity.INFO,
        evidence={"confirmer": confirmer.name, "unjudged": unjudged},
    )
