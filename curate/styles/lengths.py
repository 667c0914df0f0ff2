"""Answers that are far longer or shorter than those to prompts that are alike: median and MAD of the log length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from assay.records import Record

from ..batch import Batch
from ..column import batch_column
from .columns import LEVELS, without_thinking
from .mixes import group_by
from .token_counts import TokenCounter

if TYPE_CHECKING:
    from ..check import Context
    from ..column import Array

MAD_TO_SIGMA = 1.4826
"""Of a normal distribution (Rousseeuw and Croux 1993, "Alternatives to the median absolute deviation")."""

LEAST_SPREAD = 0.25
"""Lengths are never taken to be more alike than this, as a standard deviation of the natural logarithm."""


class Outlier(NamedTuple):
    """position of the record; its length and the median of its group, in the column's unit; score in deviations.

    members  positions of the group's records
    """

    position: int
    length: int
    typical: float
    score: float
    level: str
    members: Array


@batch_column
def answer_lengths(batch: Batch, context: Context) -> Array:
    """Of each record the longest answer: tokens of the target where there is one, else characters; uint32."""
    import numpy as np

    texts = [longest_answer(record) for record in batch.records]
    target = context.target
    if target is None:
        return np.array([len(text) for text in texts], np.uint32)
    counter = context.once("styles.lengths.tokens", lambda: TokenCounter(target.tokenizer.backend_tokenizer))
    counts: Array = counter.count(texts).astype(np.uint32)
    return counts


def longest_answer(record: Record) -> str:
    """Without its thinking block; "" where no answer in text is trained on."""
    answers = (
        without_thinking(message.content).strip()
        for message in record.messages
        if message.role == "assistant" and message.train is not False and message.content
    )
    return max(answers, key=len, default="")


def find_outliers(lengths: Array, kinds: Array, deviations: float, factor: float, min_group: int) -> Iterator[Outlier]:
    """Of each record in the narrowest of its groups that is large enough, all of the data being the widest."""
    import numpy as np

    judged = lengths == 0
    everything = np.ones(len(lengths), np.uint64)
    for level, keys in (*((name, kinds[:, index]) for index, name in enumerate(LEVELS)), ("all", everything)):
        grouped = group_by(np.where(lengths == 0, np.uint64(0), keys))
        for group in np.flatnonzero(grouped.sizes >= min_group):
            members = grouped.order[grouped.starts[group] : grouped.starts[group + 1]]
            logs = np.log(lengths[members].astype(np.float64))
            typical = float(np.median(logs))
            spread = max(LEAST_SPREAD, MAD_TO_SIGMA * float(np.median(np.abs(logs - typical))))
            scores = (logs - typical) / spread
            far = (np.abs(scores) > deviations) & (np.abs(logs - typical) > np.log(factor)) & ~judged[members]
            for index in np.flatnonzero(far):
                position = int(members[index])
                length = int(lengths[position])
                yield Outlier(position, length, float(np.exp(typical)), float(scores[index]), level, members)
            judged[members] = True
