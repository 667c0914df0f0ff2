"""The evaluation_leak check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record
from assay.text import normalize

from ..check import Context, Decision, dataset_check
from ..example import Example
from ..leaks.columns import leak_flags

FEWEST_WORDS = 3


@dataset_check(
    severity=Severity.ERROR,
    decision=Decision.DROP,
    needs=("evaluation_texts",),
    columns=(leak_flags,),
    examples=(
        Example(
            evaluation=["What is the capital of Peru?", "Thank you!"],
            found=[("what is the capital of peru", "Lima."), ("Thank you!", "You are welcome.")],
            not_found=[("What is the capital of Chile?", "Santiago."), ("thank you", "You are welcome.")],
        ),
    ),
)
def evaluation_leak(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """The prompt is an item of an evaluation suite, to the letter or but for case, punctuation and white space.

    Why: a model that was trained on its examination passes it, and the score says nothing.

    Compared are each user turn and all of them together. Prompts of fewer than three words count only when
    they are the same to the letter: "thank you" is in every data set.

    Example: the suite asks "What is the capital of Peru?", the record "what is the capital of peru"
    """
    import numpy as np

    from ..leaks.index import SAME_WORDS

    exact = {item.text.strip(): item for item in reversed(context.evaluation_texts)}
    normalized = {normalize(item.text): item for item in reversed(context.evaluation_texts)}
    for position in np.flatnonzero(context.column(leak_flags) & SAME_WORDS).tolist():
        record = records[position]
        for text in _questions(record):
            item, how = exact.get(text.strip()), "exact"
            if item is None:
                key = normalize(text)
                item = normalized.get(key) if len(key.split()) >= FEWEST_WORDS else None
                how = "normalised"
            if item is not None and text.strip():
                yield evaluation_leak.about(
                    record,
                    f"asks item {item.item_id} of the suite {item.suite}"
                    + ("" if how == "exact" else ", case and punctuation aside"),
                    evidence={"suite": item.suite, "item": item.item_id, "match": how, "text": item.text},
                )
                break


def _questions(record: Record) -> Sequence[str]:
    turns = [message.content or "" for message in record.messages if message.role == "user"]
    return turns if len(turns) < 2 else [*turns, "\n".join(turns)]
