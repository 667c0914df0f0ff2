"""The exact_duplicate check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..duplicates.columns import record_hash
from ..example import Example


@dataset_check(
    severity=Severity.ERROR,
    decision=Decision.DROP,
    keeps_one=True,
    columns=(record_hash,),
    examples=(
        Example(
            found=[("Where is it?", "In town."), ("Where is it?", "In town.")],
            not_found=[("Where is it?", "In town!"), ("where is it?", "In town.")],
        ),
    ),
)
def exact_duplicate(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """The same messages and tools as another record, to the last character.

    Why: what occurs twice is trained on twice, memorised sooner, and on both sides of a random split.

    Example: line 4 and line 811 of a file are the same.
    """
    from ..duplicates.clusters import groups_of
    from ..duplicates.tiers import identical

    for group in groups_of(identical(context)):
        first, second = records[group[0]], records[group[1]]
        for position in group:
            record = records[position]
            other = second if position == group[0] else first
            message = f"the same as {place(other, record)}" + (f" ({len(group)} copies)" if len(group) > 2 else "")
            yield exact_duplicate.about(
                record, message, group=record.id, evidence={"other": other.row_id, "copies": len(group)}
            )
