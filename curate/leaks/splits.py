"""The split that data brings along: records for training, and records that are held out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assay.records import Record
from assay.text import prompt_key

from ..column import column
from ..contradictions.candidates import question_hash

if TYPE_CHECKING:
    from ..check import Context
    from ..column import Array

NONE, TRAINING, HELD_OUT = 0, 1, 2

_NAMES = {
    **dict.fromkeys(("train", "training"), TRAINING),
    **dict.fromkeys(
        ("validation", "valid", "val", "dev", "eval", "evaluation", "test", "testing", "heldout"), HELD_OUT
    ),
}


@column("u1")
def split_code(record: Record) -> int:
    """TRAINING, HELD_OUT or NONE, by the split of the record or its column `split`."""
    given = record.split or record.meta.get("split")
    return (
        _NAMES.get(given.strip().casefold().replace("-", "").replace("_", ""), NONE) if isinstance(given, str) else NONE
    )


def straddling(records: Sequence[Record], context: Context) -> Iterator[tuple[int, int, str]]:
    """(training position, held-out position, why) for each training record with a relative that is held out."""
    import numpy as np

    from ..duplicates.clusters import groups_of
    from ..duplicates.tiers import EDITED_THRESHOLD, NEAR_THRESHOLD, edited, identical, near, normalised

    codes = context.column(split_code)
    if not ((codes == TRAINING).any() and (codes == HELD_OUT).any()):
        return
    said: set[int] = set()
    tiers = (
        ("the same", identical(context)),
        ("the same but for case and punctuation", normalised(records, context)),
        ("nearly the same", near(records, context, NEAR_THRESHOLD).leaders),
        ("an edited copy", edited(records, context, EDITED_THRESHOLD, NEAR_THRESHOLD).leaders),
    )
    for why, leaders in tiers:
        for group in groups_of(leaders):
            yield from _pairs(group.tolist(), codes, why, said)
    asked = context.column(question_hash)
    for group in groups_of(asked):
        if asked[group[0]] == 0 or len(np.unique(codes[group])) < 2:
            continue
        by_prompt: dict[str, list[int]] = {}
        for position in group.tolist():
            by_prompt.setdefault(prompt_key(records[position]), []).append(position)
        for same in by_prompt.values():
            yield from _pairs(same, codes, "the same prompt", said)


def _pairs(group: Sequence[int], codes: Array, why: str, said: set[int]) -> Iterator[tuple[int, int, str]]:
    held_out = [position for position in group if codes[position] == HELD_OUT]
    for position in group:
        if held_out and codes[position] == TRAINING and position not in said:
            said.add(position)
            yield position, held_out[0], why
