"""The split_leak check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..contradictions.candidates import question_hash
from ..duplicates.columns import record_hash, setting_hash, sketches
from ..example import Example
from ..leaks.splits import split_code, straddling


@dataset_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    columns=(record_hash, setting_hash, sketches, question_hash, split_code),
    examples=(
        Example(
            found=[
                {
                    "messages": [
                        {"role": "user", "content": "Where is my parcel, which was to come on Monday?"},
                        {"role": "assistant", "content": "It is on its way."},
                    ],
                    "split": "train",
                }
            ],
            not_found=[
                {
                    "messages": [
                        {"role": "user", "content": "where is my parcel which was to come on monday"},
                        {"role": "assistant", "content": "It arrives tomorrow."},
                    ],
                    "split": "test",
                },
                {
                    "messages": [
                        {"role": "user", "content": "How do I return a broken lamp?"},
                        {"role": "assistant", "content": "Send it back within 30 days."},
                    ],
                    "split": "train",
                },
            ],
        ),
    ),
)
def split_leak(records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """A record for training has a relative among those that are held out: a copy, an edited copy, or the same prompt.

    The split is the one that the data brings along, in a column `split` or from an earlier run. Where it brings none,
    curate makes one by whole families, which no record straddles.

    Why: a validation loss on what was trained on looks good and says nothing.

    Example: a question in train.jsonl that stands in test.jsonl with another answer.
    """
    for position, held_out, why in straddling(records, context):
        record, other = records[position], records[held_out]
        yield split_leak.about(
            record,
            f"for training, and {why} as {place(other, record)}, which is held out ({other.split or 'split'})",
            evidence={"other": other.row_id, "match": why},
        )
