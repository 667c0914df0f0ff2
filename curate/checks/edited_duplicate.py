"""The edited_duplicate check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check
from ..contradictions.candidates import answer_hash
from ..duplicates.columns import record_hash, setting_hash, sketches
from ..duplicates.findings import tier_findings
from ..example import Example

_MESSAGE = (
    "my order has not arrived although it was to be here last week and the courier says that nobody was at home "
    "which is not true since I was in all day waiting for it with the door open and a kettle on for him and the dog"
)
_EDITED = (
    "my parcel has not arrived although it should be here last week and the driver says that nobody was at home "
    "which is simply not true since I sat in all day waiting for it with the door open and a coffee on for him"
)


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.HOLD,
    keeps_one=True,
    columns=(record_hash, setting_hash, sketches, answer_hash),
    examples=(
        Example(
            found=[(_MESSAGE, "We look into it."), (_EDITED, "We look into it.")],
            not_found=[("my order has arrived and the courier was kind", "We look into it."), ("Hello.", "Hello.")],
        ),
    ),
)
def edited_duplicate(
    records: Sequence[Record], context: Context, *, threshold: float = 0.3, near_threshold: float = 0.8
) -> Iterator[Finding]:
    """An edited copy of another record: up to a third of its words were replaced, the rest stands as it stood.

    Found by rare word 3-grams that both have, and verified by the Jaccard similarity of word 2-grams. What the near
    tier finds (`near_threshold`) is left to it, and so are texts of fewer than twelve words; those of fewer than fifty
    must share 45 %, or 60 % where their answer recurs, such as a label. Where the texts differ in a number, the answers
    in most of their words or in what they say, or the questions do, or where what differs is one passage (two fillings
    of one template), the records are no copies; a split keeps them together nevertheless.

    Why: copies that a tool or a person reworded here and there are trained on as if they were several examples, and
    one of them in the validation set makes its loss look good. One of each group stays, the others are held, since
    a person should see whether the edit says something new.

    Example: a support message of sixty words, and the same message with every fifth word exchanged.
    """
    from ..duplicates.tiers import edited

    tier = edited(records, context, threshold, near_threshold)
    yield from tier_findings(edited_duplicate, records, tier, "of word pairs shared with")
