"""Stopping early without inflating errors: a betting e-process against "the loss is within the margin".

Waudby-Smith & Ramdas (2024, J. R. Stat. Soc. B 86, 1-27): a gambler stakes a share of the wealth on each round's loss
exceeding the null. While the null holds, wealth is a supermartingale, so the chance that it ever reaches 1 / alpha is
at most alpha (Ville 1939), however often and whenever one looks.

Several suites at once: with one stake for all suites of a round, the expected product of their factors is at most
(1 + stake x (mean loss - null)) ** suites, the geometric mean being below the arithmetic one; so wealth tests the
macro average, whatever way the loss is spread over suites. The stake is fixed before the round, tuned to the
alternative one would hate to miss, and to the variance seen so far; both affect speed, neither validity.

Which items make up a round is fixed by the names of the planned items before any is scored. A loop that drives
inference scores them in that order (`schedule`) and may look at the wealth after any round: the rounds of an unfinished
evaluation are the first rounds of the finished one, so that every look is at the same bet.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .clusters import FloatArray, cluster_codes

PRIOR_VARIANCE, PRIOR_WEIGHT = 0.1, 60.0
"""Second moment assumed of one item before any is seen, and how many items that guess is worth."""


class Rounds(NamedTuple):
    """Losses in the order in which they are bet on; of an unfinished evaluation the rounds that are whole.

    loss    [..., rounds, suites] mean loss of the items of a round, -1 to 1 where every item stands alone
    size    [..., rounds, suites] items that this mean stands for, over the expected number; 1 without clusters
    items   items of one round in one suite, on average
    bound   largest |loss| that a round could have shown
    counts  [rounds] items of each round over all suites, where they differ from round to round
    """

    loss: FloatArray
    size: FloatArray
    items: float
    bound: float
    counts: FloatArray = np.zeros(0)


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


class Planned(NamedTuple):
    """All items of one suite that are to be scored, known before any outcome. clusters runs in parallel."""

    suite: str
    item_ids: Sequence[str]
    clusters: Sequence[Hashable | None]


def schedule(suites: Sequence[Planned]) -> list[list[npt.NDArray[np.intp]]]:
    """[rounds][suites] numbers of the items of each round, in the order of betting. Every item is in one round.

    As many rounds as the suite with the fewest clusters has; larger suites bet several clusters a round. A cluster is
    bet on as a whole, since its items are not independent.
    """
    laid = [_lay_out(suite) for suite in suites]
    count = min(len(layout.units) for layout in laid)
    by_suite = [layout.rounds(count) for layout in laid]
    return [[np.concatenate(units) for units in round_] for round_ in zip(*by_suite, strict=True)]


def make_rounds(losses: Sequence[FloatArray], suites: Sequence[Planned]) -> Rounds:
    """losses  one a suite, each [planned items] in the order of `suites`; NaN where an item is not scored yet

    Rounds up to the first that lacks an item.
    """
    laid = [_lay_out(suite) for suite in suites]
    count = min(len(layout.units) for layout in laid)
    loss, size, counts, bound = [], [], np.zeros(count), 0.0
    for values, layout in zip(losses, laid, strict=True):
        average = len(values) / len(layout.units)
        starts = np.linspace(0, len(layout.units), count, endpoint=False).astype(int)
        clusters_in = np.diff(np.append(starts, len(layout.units)))
        loss.append(np.add.reduceat(layout.sums(values), starts) / (clusters_in * average))
        items_in = np.add.reduceat(layout.sizes, starts)
        counts += items_in
        size.append(items_in / (clusters_in * average))
        bound = max(bound, float(layout.sizes.max() / average))
    items = float(np.mean([len(layout.units) for layout in laid])) / count
    together = np.stack(loss, -1)
    whole = int(np.argmax(np.isnan(together).any(-1))) if np.isnan(together).any() else count
    return Rounds(together[:whole], np.stack(size, -1)[:whole], items, bound, counts[:whole])


class _Layout(NamedTuple):
    """Clusters of one suite in the order of betting, each as the numbers of its items."""

    units: list[npt.NDArray[np.intp]]

    @property
    def sizes(self) -> FloatArray:
        return np.array([len(unit) for unit in self.units], dtype=float)

    def sums(self, values: FloatArray) -> FloatArray:
        """[clusters] total of `values` [items] in each."""
        return np.array([values[unit].sum() for unit in self.units])

    def rounds(self, count: int) -> list[list[npt.NDArray[np.intp]]]:
        bounds = [*np.linspace(0, len(self.units), count, endpoint=False).astype(int), len(self.units)]
        return [self.units[first:last] for first, last in pairwise(bounds)]


def _lay_out(suite: Planned) -> _Layout:
    codes = cluster_codes(suite.clusters, len(suite.item_ids))
    first = np.unique(codes, return_index=True)[1]
    names = [str(suite.item_ids[i]) if suite.clusters[i] is None else str(suite.clusters[i]) for i in first]
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    return _Layout([members[unit] for unit in order(names, suite.suite)])
