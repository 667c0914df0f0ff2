"""The off_topic_answer check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check, place
from ..contradictions.candidates import RECURRING, label_hash
from ..meaning.columns import enough_words, meanings, source_file_hash

FEWEST_RECORDS = 40
"""With fewer there is too little to compare a prompt and its answer with."""


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.KEEP,
    languages=("en",),
    needs=("encoder",),
    columns=(meanings, label_hash, enough_words, source_file_hash),
)
def off_topic_answer(records: Sequence[Record], context: Context, *, least: float = 6.0) -> Iterator[Finding]:
    """The answer does not belong to its prompt: it fits the prompt of another record, whose own answer does not.

    The fit of prompt and answer is their cosine (`curate.encoder`), in standard deviations from the mean over all
    prompts and all answers; it is about 0 for texts that have nothing to do with each other. An answer is found when
    it fits another prompt by `least` more than both records' own answers fit theirs, and the answer that stands there
    fits some other prompt better than its own, too: answers change places in a ring. Eight and more rows of one file
    that fit the answer of a neighbouring row far better than their own are one finding of severity error: the rows
    have slipped. Texts of fewer than three words and labels are not judged, nor are fewer than 40 records.

    Why: shuffled or shifted rows teach to answer what was not asked, and no other check sees it: each text is sound.

    Example: after a row was lost from one column, every answer stands one row above its question.
    """
    import numpy as np

    from ..meaning.belonging import SHIFTS, Fits, misplaced, shifts
    from ..meaning.records import seldom
    from ..meaning.vectors import Packed

    codes = context.column(meanings)
    wanted = seldom(context.column(label_hash), RECURRING) & context.column(enough_words)
    judged = np.flatnonzero(Packed(codes, wanted).complete)
    if len(judged) < FEWEST_RECORDS:
        return
    fits = Fits(codes[judged])
    own, *beside = fits.beside([0, *SHIFTS])
    slipped: set[int] = set()
    for shift in shifts(np.stack(beside), own, context.column(source_file_hash)[judged]):
        positions = judged[shift.first : shift.last + 1].tolist()
        slipped |= set(positions)
        first, last = records[positions[0]], records[positions[-1]]
        where = f"{abs(shift.offset)} {'below' if shift.offset > 0 else 'above'}"
        for position in positions:
            yield off_topic_answer.about(
                records[position],
                f"{len(positions)} rows have slipped, {place(first, last)} to {place(last, first)}: "
                f"each prompt is answered {where}",
                severity=Severity.ERROR,
                group=f"slipped:{first.row_id}",
                evidence={"offset": shift.offset, "rows": len(positions), "gain": round(shift.gain, 2)},
            )
    for item in misplaced(fits, own, least):
        position, partner = int(judged[item.position]), int(judged[item.belongs_to])
        if position not in slipped:
            record, other = records[position], records[partner]
            yield off_topic_answer.about(
                record,
                f"its answer fits the prompt at {place(other, record)}, whose own answer does not",
                evidence={
                    "other": other.row_id,
                    "fit": round(item.fit_here, 2),
                    "fit_there": round(item.fit_there, 2),
                    "prompt": other.prompt[-1].content[:200] if other.prompt and other.prompt[-1].content else "",
                },
            )
