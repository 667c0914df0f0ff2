"""What knowing nothing scores: guessing among options, or always saying the commonest answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..gate.pairs import PairedSuite
from ..rescore import Rescore
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


def chance_of(suite: PairedSuite, rescore: Rescore) -> Chance:
    """The better of two ways to know nothing.

    Guessing scores one over the number of options. Always giving the commonest reference is scored by the suite's own
    scorer where that can be done here, so that partial credit counts; else it scores that reference's share, as the
    majority class of labels does. Where no reference comes twice and there are no options, chance is taken as 0.
    """
    guess = suite.result.chance
    constant = _always_the_commonest(suite, rescore)
    if constant is not None and constant.share > (guess or 0.0):
        return constant
    if guess is not None:
        return Chance(guess, "by guessing among the options")
    return Chance(0.0, "since no two items expect the same")


def _always_the_commonest(suite: PairedSuite, rescore: Rescore) -> Chance | None:
    seen = Counter(reference for reference in suite.references if reference)
    if not seen:
        return None
    commonest, times = seen.most_common(1)[0]
    if times < FEWEST_REPEATS:
        return None
    references = [reference or "" for reference in suite.references]
    scores = rescore(suite.result, [commonest] * suite.n, references, suite.contexts)
    share = times / suite.n if scores is None else sum(scores) / suite.n
    return Chance(share, "by always giving the commonest answer", shown(commonest))
