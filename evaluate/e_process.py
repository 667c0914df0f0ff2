"""Stopping early without inflating errors: a betting e-process against "the loss is within the margin".

Waudby-Smith & Ramdas (2024, J. R. Stat. Soc. B 86, 1-27): a gambler stakes a share of the wealth on each round's loss
exceeding the null. While the null holds, wealth is a supermartingale, so the chance that it ever reaches 1 / alpha is
at most alpha (Ville 1939), however often and whenever one looks.

Several suites at once: with one stake for all suites of a round, the expected product of their factors is at most
(1 + stake x (mean loss - null)) ** suites, the geometric mean being below the arithmetic one; so wealth tests the
macro average, whatever way the loss is spread over suites. The stake is fixed before the round, tuned to the
alternative one would hate to miss, and to the variance seen so far; both affect speed, neither validity.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .clusters import FloatArray, cluster_codes

PRIOR_VARIANCE, PRIOR_WEIGHT = 0.1, 60.0
"""Second moment assumed of one item before any is seen, and how many items that guess is worth."""


class Rounds(NamedTuple):
    """Losses in the order in which they are bet on.

    loss    [..., rounds, suites] mean loss of the items of a round, -1 to 1 where every item stands alone
    size    [..., rounds, suites] items that this mean stands for, over the expected number; 1 without clusters
    items   items of one round in one suite, on average
    bound   largest |loss| that a round could have shown
    """

    loss: FloatArray
    size: FloatArray
    items: float
    bound: float


def log_wealth(rounds: Rounds, null: float, alternative: float) -> FloatArray:
    """[..., rounds] log wealth after each round of betting that the macro loss exceeds `null`.

    alternative  the loss, above `null`, for which the stakes are tuned
    """
    excess = rounds.loss - null * rounds.size
    seen = np.cumsum((excess**2).sum(-1), axis=-1)
    before = np.concatenate([np.zeros_like(seen[..., :1]), seen[..., :-1]], axis=-1)
    suites = excess.shape[-1]
    bets_before = np.arange(excess.shape[-2]) * suites
    prior_weight = PRIOR_WEIGHT / rounds.items
    variance = (PRIOR_VARIANCE / rounds.items * prior_weight + before) / (prior_weight + bets_before)
    stake = np.minimum((alternative - null) / variance, 0.9 / (rounds.bound * (1 + null)))
    wealth: FloatArray = np.cumsum(np.log1p(stake[..., None] * excess).sum(-1), axis=-1)
    return wealth


def order(names: Sequence[str], seed: str) -> npt.NDArray[np.intp]:
    """A shuffle of items or clusters that depends on their names alone, so that anybody can repeat it."""
    import hashlib

    keys = [hashlib.sha256(f"{seed}\0{name}".encode()).digest() for name in names]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)


def make_rounds(
    losses: Sequence[FloatArray],
    item_ids: Sequence[Sequence[str]],
    clusters: Sequence[Sequence[Hashable | None]],
    suites: Sequence[str],
) -> Rounds:
    """As many rounds as the suite with the fewest clusters has; larger suites bet several clusters a round.

    A cluster is bet on as a whole, since its items are not independent.
    """
    units = [_units(*suite) for suite in zip(losses, item_ids, clusters, suites, strict=True)]
    count = min(len(totals) for totals, _ in units)
    loss, size, bound = [], [], 0.0
    for totals, sizes in units:
        average = sizes.mean()
        starts = np.linspace(0, len(totals), count, endpoint=False).astype(int)
        clusters_in = np.diff(np.append(starts, len(totals)))
        loss.append(np.add.reduceat(totals, starts) / (clusters_in * average))
        size.append(np.add.reduceat(sizes, starts) / (clusters_in * average))
        bound = max(bound, float(sizes.max() / average))
    items = float(np.mean([len(totals) for totals, _ in units])) / count
    return Rounds(np.stack(loss, -1), np.stack(size, -1), items, bound)


def _units(
    losses: FloatArray, item_ids: Sequence[str], clusters: Sequence[Hashable | None], suite: str
) -> tuple[FloatArray, FloatArray]:
    """Total loss and number of items of each cluster, shuffled."""
    codes = cluster_codes(clusters, len(losses))
    first = np.unique(codes, return_index=True)[1]
    names = [str(item_ids[i]) if clusters[i] is None else str(clusters[i]) for i in first]
    shuffled = order(names, suite)
    totals: FloatArray = np.bincount(codes, weights=losses).astype(float)
    sizes: FloatArray = np.bincount(codes).astype(float)
    return totals[shuffled], sizes[shuffled]
