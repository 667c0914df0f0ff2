"""The same_meaning check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..contradictions.candidates import RECURRING, label_hash
from ..example import Example
from ..meaning.columns import meanings

_QUESTION = "How can I return an item that I bought?"


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.HOLD,
    languages=("en",),
    needs=("encoder",),
    keeps_one=True,
    columns=(meanings, label_hash),
    examples=(
        Example(
            found=[
                (_QUESTION, "You can send the item back to us within two weeks."),
                ("I bought an item: how do I return it?", "Within two weeks you can return the item to us."),
            ],
            not_found=[
                ("I bought the item, how can I return it?", "Within nine weeks you can return the item to us."),
                ("What item can I return that I bought?", "You cannot send the item back to us within two weeks."),
            ],
            settings={"threshold": 0.75},
        ),
    ),
)
def same_meaning(records: Sequence[Record], context: Context, *, threshold: float = 0.8) -> Iterator[Finding]:
    """Another record asks the same and answers the same, in other words.

    Candidates by the vectors of prompt and answer (`curate.encoder`), of which both cosines must reach the
    threshold; then both records are read. Another number, date, negation, opposite or name, the same words in
    another order, or a word that has no counterpart make it another meaning. So does another system turn. What the
    other tiers find, copies and edited copies, is left to them. In data that classifies, many wordings under one label
    are the point: records with a short answer that recurs are not compared.

    Why: a question that stands there in five wordings weighs five times. That may be meant, so one of each group
    stays and the others wait for a person.

    Example: "How do I send an item back?" and "How can I return something?", both answered with "within 30 days".
    """
    from ..meaning.encoder import load_encoder
    from ..meaning.pairs import similar_pairs
    from ..meaning.records import alike_records, seldom
    from ..meaning.vectors import PACKED_ERROR, Packed

    packed = Packed(context.column(meanings), seldom(context.column(label_hash), RECURRING))
    candidates = similar_pairs(packed, threshold - PACKED_ERROR)
    alike = alike_records(records, candidates, load_encoder(context.encoder), threshold)
    for group in alike.groups():
        members = [records[position] for position in group]
        name = min(record.id for record in members)
        for position, record in zip(group, members, strict=True):
            similarity, other = alike.nearest[position]
            twin = records[other]
            yield same_meaning.about(
                record,
                f"the same in other words as {place(twin, record)}"
                + (f" ({len(group)} records alike)" if len(group) > 2 else ""),
                group=name,
                evidence={"other": twin.row_id, "similarity": round(similarity, 4)},
            )
