"""The evaluation_paraphrase check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check
from ..example import Example
from ..meaning.columns import meanings


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.HOLD,
    languages=("en",),
    needs=("encoder", "evaluation_texts"),
    columns=(meanings,),
    examples=(
        Example(
            evaluation=["How can I return an item that I bought?"],
            found=[("I bought an item: how do I return it?", "Within two weeks you can return the item to us.")],
            not_found=[
                ("How can I return an item that I bought?", "By post."),
                ("Where is my parcel now?", "In town."),
            ],
        ),
    ),
)
def evaluation_paraphrase(records: Sequence[Record], context: Context, *, threshold: float = 0.85) -> Iterator[Finding]:
    """The prompt asks in other words what an item of an evaluation suite asks.

    Candidates by the vectors of prompt and item (`curate.encoder`), of which the cosine must reach the threshold; then
    both are read. Another number, date, negation, opposite or name, the same words in another order, or a word without
    a counterpart make it another question. Items to the letter are found by evaluation_leak, those inside longer text
    by evaluation_overlap.

    Why: a paraphrase of an examination question teaches its answer as well as the question itself would.

    Example: the suite asks "How can I return an item?", the record "How do I send an item back?"
    """
    from ..leaks.paraphrases import paraphrases

    for position, place, similarity in paraphrases(records, context, threshold):
        item = context.evaluation_texts[place]
        yield evaluation_paraphrase.about(
            records[position],
            f"asks what item {item.item_id} of the suite {item.suite} asks, in other words (cosine {similarity:.2f})",
            evidence={
                "suite": item.suite,
                "item": item.item_id,
                "similarity": round(similarity, 3),
                "item_text": item.text,
            },
        )
