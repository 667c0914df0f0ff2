"""What knowing nothing scores: guessing among options, or always saying the commonest answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..gate.pairs import PairedSuite
from ..rescore import Rescore
from ..statistics.clusters import FloatArray
from ..wording import percent, shown

FEWEST_REPEATS = 2
"""A reference that no other item has is no label."""


@dataclass(frozen=True)
class Chance:
    """share  expected score; why: where it comes from, in words; quote: the answer that gets it"""

    share: float
    why: str
    quote: str = ""

    def __str__(self) -> str:
        return f"{percent(self.share)}, {self.why}"


@dataclass(frozen=True, eq=False)
class Commonest:
    """The reference that most items expect, given as the answer to each.

    scores  [n] of it, item by item
    quote   its beginning
    """

    scores: FloatArray
    quote: str

    @property
    def share(self) -> float:
        return float(self.scores.mean())


def chance_of(suite: PairedSuite, rescore: Rescore) -> Chance:
    """The better of two ways to know nothing: guessing scores one over the number of options, or `commonest_answer`.

    Where no reference comes twice and there are no options, chance is taken as 0.
    """
    guess = suite.result.chance
    constant = commonest_answer(suite, rescore)
    if constant is not None and constant.share > (guess or 0.0):
        return Chance(constant.share, "by always giving the commonest answer", constant.quote)
    if guess is not None:
        return Chance(guess, "by guessing among the options")
    return Chance(0.0, "since no two items expect the same")


def commonest_answer(suite: PairedSuite, rescore: Rescore) -> Commonest | None:
    """None where no two items expect the same.

    Scored by the suite's own scorer where that can be done here, so that partial credit counts; else an item scores 1
    where it expects just that, as the majority class of labels does.
    """
    seen = Counter(reference for reference in suite.references if reference)
    if not seen:
        return None
    commonest, times = seen.most_common(1)[0]
    if times < FEWEST_REPEATS:
        return None
    references = [reference or "" for reference in suite.references]
    scores = rescore(suite.result, [commonest] * suite.n, references, suite.contexts)
    if scores is None:
        scores = [float(reference == commonest) for reference in references]
    return Commonest(np.array(scores, dtype=float), shown(commonest))
