"""The near_duplicate check."""

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
    "which is not true since I was in all day waiting for it with the door open and a kettle on for him and the dog."
)


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.DROP,
    keeps_one=True,
    columns=(record_hash, setting_hash, sketches, answer_hash),
    examples=(
        Example(
            found=[(_MESSAGE, "We look into it."), (f"Now {_MESSAGE}", "We look into it.")],
            not_found=[(f"{_MESSAGE} How long is the guarantee?", "Two years."), ("Hello.", "We look into it.")],
        ),
    ),
)
def near_duplicate(records: Sequence[Record], context: Context, *, threshold: float = 0.8) -> Iterator[Finding]:
    """Nearly the same conversation as another record: verified Jaccard similarity of word 5-grams.

    Case, punctuation and white space do not count. Texts of fewer than five words are near duplicates only
    when all their words are the same. A system turn shared by many records is left out of the comparison, for
    it would make short conversations alike; records under different shared system turns are not compared. So is
    what a tenth of the records have in their first user turn, such as an instruction before every question.
    Nor are records whose answers differ (in a number, or in three words of ten) or whose last questions do (in four
    words of ten; in a quarter where the answer recurs, such as a label), since one passage with several questions is no
    repetition; nor formulas and code of the same words whose brackets or operators differ. A split keeps those together
    nevertheless.

    Why: nearly the same text, trained on twice, is memorised as if it were the same, and leaks across a split.

    Example: "... my order BW-1 has not arrived yet, ..." and "... my order BW-1 has still not arrived, ..."
    in two otherwise equal long messages.
    """
    from ..duplicates.tiers import near

    tier = near(records, context, threshold)
    yield from tier_findings(near_duplicate, records, tier, "of word 5-grams shared with")
