"""The exact_duplicate check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place


@dataset_check(severity=Severity.ERROR, decision=Decision.DROP, keeps_one=True)
def exact_duplicate(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """The same messages and tools as another record, to the last character.

    Why: what occurs twice is trained on twice, memorised sooner, and on both sides of a random split.

    Example: line 4 and line 811 of a file are the same.
    """
    copies: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        copies[record.id].append(record)
    for record_id, rows in copies.items():
        if len(rows) < 2:
            continue
        first = rows[0]
        for record in rows:
            other = rows[1] if record is first else first
            message = f"the same as {place(other, record)}" + (f" ({len(rows)} copies)" if len(rows) > 2 else "")
            yield exact_duplicate.about(
                record, message, group=record_id, evidence={"other": other.row_id, "copies": len(rows)}
            )
