"""The evaluation_overlap check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check
from ..example import Example
from ..leaks.columns import leak_flags, leak_index

_ITEM = "A farmer has twelve sheep, sells all but nine of them and buys a cow for the money: how many sheep are left?"


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.HOLD,
    needs=("evaluation_texts",),
    columns=(leak_flags,),
    examples=(
        Example(
            evaluation=[_ITEM],
            found=[(f"Solve this riddle. {_ITEM} Think step by step.", "Nine.")],
            not_found=[("A farmer has twelve sheep and wants to know how much hay they eat.", "About 24 kg a day.")],
        ),
    ),
)
def evaluation_overlap(
    records: Sequence[Record], context: Context, *, min_covered: float = 0.6, min_run: int = 13
) -> Iterator[Finding]:
    """A good part of an evaluation item stands in the record, word for word: in any turn, with other text around it.

    Compared are word 8-grams. Counted as an overlap is an item of which at least `min_covered` of the words are
    covered by shared 8-grams, or with which the record shares a passage of `min_run` words; less is said as a fact
    (severity info). n-grams that several items of a suite share belong to its template and do not count. Items that
    are the whole prompt are found by evaluation_leak.

    Why: the model learns the answer to an examination question in another frame, and the score says less than it
    seems to.

    Example: an item of the suite, pasted into a longer prompt.
    """
    import numpy as np

    from ..leaks.index import SHARED_NGRAM
    from ..leaks.matches import best_in_record

    index = leak_index(context)
    for position in np.flatnonzero(context.column(leak_flags) & SHARED_NGRAM).tolist():
        record = records[position]
        match = best_in_record(record, index)
        if match is None or match.whole:
            continue
        item = context.evaluation_texts[match.item]
        large = match.covered >= min_covered or match.run >= min_run
        yield evaluation_overlap.about(
            record,
            f"{match.covered:.0%} of item {item.item_id} of the suite {item.suite}, {match.run} words on end",
            severity=Severity.WARNING if large else Severity.INFO,
            evidence={
                "suite": item.suite,
                "item": item.item_id,
                "covered": round(match.covered, 3),
                "run": match.run,
                "message": match.message,
                "text": match.text,
                "item_text": item.text,
            },
        )
