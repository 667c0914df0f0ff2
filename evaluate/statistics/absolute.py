"""Is the mean score of one model above a bound, or below it? One sample, exact.

Right and wrong of independent items: the binomial test, whose limits are Clopper & Pearson's (1934, Biometrika 26,
404-413), wrong at most as often as alpha says. Items that share a cluster are counted for as many as they are worth,
and for fewer where that is uncertain (Korn & Graubard 1998, Survey Methodology 24, 193-201). Graded scores are counted
by their sum: they vary no more than right and wrong of the same mean do, so the test is on the safe side, where
Student's would be wrong too often near full score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from .clusters import FloatArray, design_effect
from .distributions import normal_quantile, regularised_beta, t_quantile
from .items_needed import POWER, TOO_MANY

HALVINGS = 60
"""More than a double can tell apart."""


@dataclass(frozen=True)
class Counted:
    """Scores as so many right ones of so many independent items, neither of them whole. effect: of clusters."""

    right: float
    items: float
    effect: float

    @property
    def mean(self) -> float:
        return self.right / self.items


def counted(scores: FloatArray, clusters: Sequence[Hashable | None] | None, level: float) -> Counted:
    """scores [n], at least one. level: one-sided, of the tests and limits that it is for."""
    effect, df = design_effect(scores, clusters)
    unsure = 1.0 if math.isinf(df) else (normal_quantile(1 - level) / t_quantile(1 - level, df)) ** 2
    items = len(scores) / effect * unsure
    return Counted(float(scores.mean()) * items, items, effect)


def p_above(found: Counted, bound: float) -> float:
    """Of the hypothesis that the mean is `bound` or less: P(X >= right) there."""
    if found.right <= 0:
        return 1.0
    return regularised_beta(bound, found.right, found.items - found.right + 1)


def p_below(found: Counted, bound: float) -> float:
    """Of the hypothesis that the mean is `bound` or more: P(X <= right) there."""
    if found.right >= found.items:
        return 1.0
    return 1 - regularised_beta(bound, found.right + 1, found.items - found.right)


def lower_limit(found: Counted, level: float) -> float:
    """The largest bound that the mean is proved to be above."""
    return _where(lambda bound: p_above(found, bound) < level)


def upper_limit(found: Counted, level: float) -> float:
    """The smallest bound that the mean is proved to be below."""
    return _where(lambda bound: p_below(found, bound) >= level)


def _where(holds: Callable[[float], bool]) -> float:
    """The end of the bounds, from 0, for which it holds."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return high if high == 1.0 else low


def items_to_tell(mean: float, bound: float, level: float, effect: float = 1.0) -> int | None:
    """Items in all at which a mean score like this would be told from the bound, with a chance of `POWER`.

    Fleiss, Levin & Paik (2003, Statistical Methods for Rates and Proportions, section 2.3), normal approximation. None
    where no number that anybody would score does.
    """
    if mean == bound:
        return None
    spread = normal_quantile(1 - level) * math.sqrt(bound * (1 - bound))
    spread += normal_quantile(POWER) * math.sqrt(max(0.0, mean * (1 - mean)))
    items = effect * (spread / (mean - bound)) ** 2
    return math.ceil(items) if items < TOO_MANY else None
