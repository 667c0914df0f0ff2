"""The reworded_answer check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..contradictions.candidates import answer_hash, question_hash
from ..example import Example


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.HOLD,
    languages=("en",),
    needs=("encoder",),
    keeps_one=True,
    columns=(question_hash, answer_hash),
    examples=(
        Example(
            found=[
                ("How long do refunds take?", "A refund takes up to five working days to reach your account."),
                ("how long do refunds take", "It takes up to five working days for a refund to reach your account."),
            ],
            not_found=[
                ("How long do refunds take?", "A refund takes up to nine working days to reach your account."),
                ("How long do refunds take?", "That depends on the bank, and nobody can say."),
            ],
        ),
    ),
)
def reworded_answer(records: Sequence[Record], context: Context, *, threshold: float = 0.85) -> Iterator[Finding]:
    """The same prompt has the same answer elsewhere, in other words.

    The cosine of the answers' vectors (`curate.encoder`) must reach the threshold, and nothing may differ that
    changes what is said: a number, a date, a negation, an opposite, a name, the order of the same words. Of two long
    answers half of the words must be the same. The same answer to the letter is left to the tiers of duplicates, and
    different answers to the checks of contradictions.

    Why: one question answered in three wordings weighs three times. Where variety is wanted that is right, so one of
    each group stays and the others wait for a person.

    Example: "Refunds take five days." and "It takes five days until you have your money back." under one question.
    """
    from ..meaning.answers import reworded
    from ..meaning.encoder import load_encoder

    encoder = load_encoder(context.encoder)
    for star in reworded(records, context.column(question_hash), context.column(answer_hash), encoder, threshold):
        members = [records[position] for position in (star.centre, *star.members)]
        name = min(record.id for record in members)
        twins = [members[1], *[members[0]] * len(star.members)]
        for record, twin, similarity in zip(members, twins, (max(star.similarity), *star.similarity), strict=True):
            yield reworded_answer.about(
                record,
                f"the same answer to this prompt, in other words, at {place(twin, record)}",
                group=name,
                evidence={"other": twin.row_id, "similarity": round(similarity, 4), "answer": twin.answer[:200]},
            )
