"""How many more items until it could be decided."""

from __future__ import annotations

import math

from .distributions import normal_quantile

POWER = 0.8
"""Chance of a decision with the number of items that is named, if the difference stays as observed."""
TOO_MANY = 10_000_000


def more_items(n: int, variance: float, distance: float, alpha: float) -> int | None:
    """Items beyond n at which a difference `distance` away from its bound would be proved, at POWER.

    n         items scored so far
    variance  of the estimated difference, with these n items; it falls as 1 / n
    distance  observed difference less the bound of the hypothesis; its sign does not matter
    Normal approximation of the sample size of a one-sided test (Julious 2010, Sample Sizes for Clinical Trials,
    chapter 2). None where no number of items that anybody would score decides it.
    """
    if distance == 0:
        return None
    z = normal_quantile(1 - alpha) + normal_quantile(POWER)
    total = n * z * z * variance / distance**2
    return max(1, math.ceil(total - n)) if total < TOO_MANY else None
