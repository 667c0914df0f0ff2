"""Which records the gradient is checked on before the first step.

The check keeps all that autograd saves, without checkpointing, so that its records are few and short: it must not take
more memory than the steps that follow.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

CHECKED_RECORDS = 4
CHECKED_TOKENS = 512


def checked(lengths: Sequence[int]) -> range:
    """Indices of the records of middling length, up to `CHECKED_RECORDS`, that hold `CHECKED_TOKENS` together, padded.

    lengths  in tokens, ascending. Where one record of middling length is longer, the longest that is not; where each
             is, the shortest.
    """
    for count in range(min(CHECKED_RECORDS, len(lengths)), 0, -1):
        start = (len(lengths) - count) // 2
        if count * lengths[start + count - 1] <= CHECKED_TOKENS:
            return range(start, start + count)
    index = max(0, bisect_right(lengths, CHECKED_TOKENS) - 1)
    return range(index, index + 1)


def checked_shape(lengths: Sequence[int]) -> tuple[int, int]:
    """(records, tokens of the longest of them); lengths ascending."""
    found = checked(lengths)
    return len(found), lengths[found[-1]]
