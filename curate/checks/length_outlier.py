"""The length_outlier check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from assay.findings import Finding, Severity
from assay.records import Record

from ..check import Context, Decision, dataset_check
from ..example import Example
from ..styles.alike import alike_prompts
from ..styles.columns import first_exchange, is_refusal, prompt_kinds
from ..styles.explained import asks_for
from ..styles.lengths import Outlier, answer_lengths, find_outliers, longest_answer

if TYPE_CHECKING:
    from ..column import Array

LEAST_DIFFERENCE = {"tokens": 20, "characters": 80}
"""An answer that is longer or shorter by less is no outlier, however alike the others are."""

READ_PROMPTS = 2_000
"""So many records of a group are looked through for prompts that are like an outlier's."""

FEWEST_ALIKE = 3
"""So many of them must be; a prompt that has no like may be answered at any length."""

AS_FAR = 0.1
"""Where this share of them have answers about as long, it is usual."""

OF_THE_PROMPT = 0.7
"""A long answer to a prompt of at least this share of its length works on a text that was given."""

_ALIKE = {
    "template": "to prompts of this template",
    "opening": "to prompts that begin alike",
    "source": "of its kind",
    "system": "under its system turn",
    "all": "in all of the data",
}

_USUAL = [(f"What became of parcel {n}?", f"Parcel {n} is on its way and comes tomorrow.") for n in range(8)]


@dataset_check(
    severity=Severity.WARNING,
    decision=Decision.KEEP,
    columns=(answer_lengths, prompt_kinds),
    examples=(
        Example(
            found=[("What became of parcel 90?", "It went to the depot at noon. " * 40)],
            not_found=_USUAL,
            settings={"min_group": 8},
        ),
    ),
)
def length_outlier(
    records: Sequence[Record],
    context: Context,
    *,
    deviations: float = 5.0,
    factor: float = 8.0,
    min_group: int = 30,
) -> Iterator[Finding]:
    """An answer is far longer or far shorter than the answers to prompts that are alike.

    Why: one essay among one-line answers teaches another task; one word among explanations is often a label that
    slipped in, or the rest of an answer.

    Lengths are tokens of the target model where one is named, else characters, of the longest answer without its
    thinking block. Compared are records whose prompts begin with the same words under the same system turn, else
    those of the same column such as `category`, else those of the same system turn, else all: the narrowest group of
    at least `min_group`. An outlier is more than `deviations` robust standard deviations (from the median absolute
    deviation of the logarithms) and more than `factor` times away from the median; and as far from the median of at
    least three answers, refusals aside, to prompts of its template or with half of the words of its own, of which nine
    tenths are nearer to that than to it. Too long is a warning, too short a fact to know (severity info). Left out
    are prompts that ask for it ("in detail", "in one word"), long texts that were given to work on, and refusals.
    What exceeds the model's context is told of by `over_long_answer`.

    Example: 400 tokens, where half of the 120 answers to prompts that begin alike have at most 15
    """
    unit = "tokens" if context.target is not None else "characters"
    lengths, kinds = context.column(answer_lengths), context.column(prompt_kinds)
    outliers = find_outliers(lengths, kinds, deviations, factor, min_group)
    for _, group in groupby(outliers, key=lambda outlier: id(outlier.members)):
        for outlier in _unlike_their_like(list(group), records, lengths, factor):
            record = records[outlier.position]
            if abs(outlier.length - outlier.typical) >= LEAST_DIFFERENCE[unit] and not _explained(record, outlier):
                yield _finding(record, outlier, unit)


def _unlike_their_like(
    outliers: Sequence[Outlier], records: Sequence[Record], lengths: Array, factor: float
) -> Iterator[Outlier]:
    """Those of one group that are as far from the answers to prompts like theirs."""
    import numpy as np

    members = outliers[0].members
    read = [int(position) for position in members[:: max(1, -(-len(members) // READ_PROMPTS))]]
    read = [position for position in read if not is_refusal(longest_answer(records[position]))]
    for outlier, alike in zip(
        outliers, _alike(outliers, [records[position] for position in read], records), strict=True
    ):
        like = [read[index] for index in alike if read[index] != outlier.position]
        if len(like) < FEWEST_ALIKE:
            continue
        distances = np.log(lengths[like].astype(np.float64)) - np.log(float(outlier.length))
        typical = float(np.median(distances))
        if abs(typical) > np.log(factor) and (np.abs(distances) < abs(typical) / 2).mean() <= AS_FAR:
            yield outlier


def _alike(outliers: Sequence[Outlier], others: Sequence[Record], records: Sequence[Record]) -> list[Sequence[int]]:
    """Of each outlier the indices of the others whose prompts are like its own: of one template all of them are."""
    if outliers[0].level == "template":
        return [range(len(others))] * len(outliers)
    prompts = [first_exchange(records[outlier.position]).prompt for outlier in outliers]
    return list(alike_prompts(prompts, [first_exchange(record).prompt for record in others]))


def _explained(record: Record, outlier: Outlier) -> bool:
    prompt = first_exchange(record).prompt
    answer = longest_answer(record)
    if outlier.score < 0:
        return asks_for(prompt, "length", "concise") or is_refusal(answer)
    return asks_for(prompt, "length", "long-form") or len(prompt) > OF_THE_PROMPT * len(answer)


def _finding(record: Record, outlier: Outlier, unit: str) -> Finding:
    long, others = outlier.score > 0, len(outlier.members)
    return length_outlier.about(
        record,
        f"an answer of {outlier.length:,} {unit}, where half of the {others:,} answers {_ALIKE[outlier.level]} "
        f"have at {'most' if long else 'least'} {outlier.typical:,.0f}",
        severity=Severity.WARNING if long else Severity.INFO,
        evidence={
            "kind": "too long" if long else "too short",
            unit: outlier.length,
            "median": round(outlier.typical, 1),
            "deviations": round(outlier.score, 2),
        },
    )
