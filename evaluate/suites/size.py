"""What a suite of so many items can prove: before any of them is scored, and of one that was."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from ..statistics.distributions import normal_quantile
from ..statistics.items_needed import POWER, more_items

CHANGED_SHARE = 0.25
"""Share of items on which base and candidate differ, where nothing is known yet. A larger one takes more items."""

ALPHA = 0.05

LARGE_DIFFERENCE = 0.1
"""A suite that proves nothing smaller is said to be small."""

FEWEST = 4
"""Below so many items the mid-p test proves nothing at 0.05, whatever they say: 0.5 ** 4 / 2 is the first below it."""


def items_to_prove(difference: float, alpha: float = ALPHA, changed: float = CHANGED_SHARE) -> int | None:
    """Independent paired items at which a true difference of this share, 0 < difference <= 1, would be proved.

    changed  share of the items on which the two differ
    Differences of 0/1 scores that are -1, 0 or 1, not 0 on the share `changed`, have the variance
    changed - difference ** 2. None where no number of items that anybody would score does it.
    """
    variance = max(changed, difference) - difference**2
    more = more_items(1, max(variance, 1e-6), difference, alpha)
    return None if more is None else 1 + more


def detectable_difference(items: float, alpha: float = ALPHA, changed: float = CHANGED_SHARE) -> float | None:
    """The minimum detectable effect: the true difference that so many independent items prove with the chance POWER.

    changed  mean square of the paired differences; for right and wrong, the share of items on which the two differ
    Solves n d^2 = z^2 (max(changed, d) - d^2) for d, the sample size of a one-sided test on paired differences turned
    round (Julious 2010, chapter 2; Lachenbruch 1992, Stat. Med. 11, 1521-1525, for paired proportions). A difference
    of d needs at least a share d of changed items, so that items alone set a floor even where nothing changed.
    None for fewer than FEWEST items.
    """
    if items < FEWEST:
        return None
    z = normal_quantile(1 - alpha) + normal_quantile(POWER)
    share = z * z / (items + z * z)
    return math.sqrt(changed * share) if share <= changed else share


def provable_difference(items: float, alpha: float = ALPHA, changed: float = CHANGED_SHARE) -> float | None:
    """Smallest difference, in whole points as a share, that so many independent items would prove; None: none."""
    for percentage in range(1, 100):
        needed = items_to_prove(percentage / 100, alpha, changed)
        if needed is not None and needed <= items:
            return percentage / 100
    return None


def independent_items(clusters: Sequence[Hashable | None]) -> float:
    """Items that count when those of a cluster are as alike as half-way between unrelated and the same.

    Kish's design effect 1 + (m - 1) rho with rho = 0.5 and m the mean size of the cluster that an item is in
    (Kish 1965, Survey Sampling, section 5.4). The gate measures the likeness; here nothing is scored yet.
    """
    if not clusters:
        return 0.0
    sizes: dict[Hashable, int] = {}
    for index, cluster in enumerate(clusters):
        key = ("alone", index) if cluster is None else ("cluster", cluster)
        sizes[key] = sizes.get(key, 0) + 1
    mean_size = sum(size * size for size in sizes.values()) / len(clusters)
    return len(clusters) / (1 + (mean_size - 1) * 0.5)
