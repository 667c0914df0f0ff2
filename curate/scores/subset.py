"""Some of the data by score, and as many at random: what a score is worth is seen by training on both."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from .likelihood import Score


class Subsets(NamedTuple):
    """Positions among the records that were scored, in their order. rule: how the first was chosen."""

    by_score: tuple[int, ...]
    at_random: tuple[int, ...]
    rule: str


def choose(scores: Sequence[Score], count: int, seed: int) -> Subsets:
    """`count` records by score, and as many at random from all that could have been chosen.

    With IFD the highest ones below 1 (Li et al., arXiv 2308.12032): at 1 and above the prompt does not help. Without
    it the middle of the perplexities (Marion et al., arXiv 2309.04564), which did best among ways to prune by it.
    """
    by_ifd = [(item.ifd, index) for index, item in enumerate(scores) if item.ifd is not None]
    if by_ifd:
        able = [index for _, index in by_ifd]
        chosen = [index for value, index in sorted(by_ifd, key=lambda item: (-item[0], item[1])) if value < 1]
        rule = "highest IFD below 1"
    else:
        ranked = sorted((item.perplexity, index) for index, item in enumerate(scores) if item.perplexity is not None)
        able = [index for _, index in ranked]
        start = max(0, (len(ranked) - count) // 2)
        chosen = able[start:]
        rule = "middle of the perplexities"
    size = min(count, len(chosen))
    drawn = random.Random(seed).sample(sorted(able), size)
    return Subsets(tuple(sorted(chosen[:size])), tuple(sorted(drawn)), rule)
