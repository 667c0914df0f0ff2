"""How many more items until it could be decided."""

from __future__ import annotations

import math

from .distributions import normal_quantile

POWER = 0.8
"""Chance of a decision with the number of items that is named, if the difference stays as observed."""
TOO_MANY = 10_000_000


def with_unseen_changes(n: int, variance: float) -> float:
    """The variance of a mean difference over n items, were one more half gain and half loss among them.

    That no item changed among a few does not show that none will: a variance of 0 would say that one more item is
    enough. Half a pair in each cell of discordant ones is Agresti & Min's adjustment (2005, Statistics in Medicine 24,
    729-740); with hundreds of items it changes nothing.
    """
    return (n * n * variance + 1) / (n + 1) / n if n else 1.0


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
