"""The normalised_duplicate check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..duplicates.columns import record_hash, sketches
from ..example import Example


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.DROP,
    keeps_one=True,
    columns=(record_hash, sketches),
    examples=(
        Example(
            found=[("How do I return it?", "By post."), ("how do I return it", "By post!")],
            not_found=[
                ("How do I return them?", "By post."),
                ("Is it -5 degrees?", "No."),
                ("Is it 5 degrees?", "No."),
            ],
        ),
    ),
)
def normalised_duplicate(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """The same as another record but for case, punctuation, white space and Unicode form.

    Numbers, signs that carry meaning (a minus, a percent sign, a decimal point), brackets and operators count, and
    so do roles and declared tools.

    Why: the model sees the same example twice; nothing but its looks is new.

    Example: "How do I return it?" and "how do I return it"
    """
    from ..duplicates.clusters import groups_of
    from ..duplicates.tiers import normalised

    leaders = normalised(records, context)
    for group in groups_of(leaders):
        members = [records[position] for position in group]
        if len({member.id for member in members}) == 1:
            continue  # exact_duplicate says so
        for member in members:
            other = next(item for item in members if item.id != member.id)
            yield normalised_duplicate.about(
                member,
                f"the same as {place(other, member)} but for case, punctuation or white space"
                + (f" ({len(group)} records alike)" if len(group) > 2 else ""),
                group=min(item.id for item in members),
                evidence={"other": other.row_id},
            )
