"""Items that share a passage or a template are not independent: how much less they tell."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class DesignEffect(NamedTuple):
    """factor  by how much clustering inflates the variance of the mean, at least 1
    df      degrees of freedom of that estimate; infinite where every item stands alone
    """

    factor: float
    df: float


INDEPENDENT = DesignEffect(1.0, float("inf"))


def cluster_codes(clusters: Sequence[Hashable | None] | None, n: int) -> npt.NDArray[np.intp]:
    """0-based cluster of each of n items, in order of first appearance; an item without a cluster is its own."""
    if clusters is None:
        return np.arange(n)
    codes: dict[Hashable, int] = {}
    return np.array(
        [codes.setdefault(("item", i) if c is None else ("cluster", c), len(codes)) for i, c in enumerate(clusters)],
        dtype=np.intp,
    )


def cluster_sums(values: FloatArray, clusters: Sequence[Hashable | None] | None) -> FloatArray:
    """Sum of `values` [n] in each cluster [k]."""
    sums: FloatArray = np.bincount(cluster_codes(clusters, len(values)), weights=values).astype(float)
    return sums


def design_effect(differences: FloatArray, clusters: Sequence[Hashable | None] | None) -> DesignEffect:
    """The variance of the mean from cluster totals, over the one that independent items would give.

    Dividing counts by it (Rao & Scott 1992, Biometrics 48, 577-585) carries a method for independent items to
    clustered ones. It is never taken below 1: an estimate from few clusters must not make a test bolder. Where
    every difference is the same it cannot be estimated, and each cluster counts as a single item.

    The estimate is a sum of squared cluster totals, mostly carried by the few clusters that changed. Its degrees of
    freedom are those of a chi-square with the same variance (Satterthwaite 1946), 2 k / (kurtosis - 1): k where the
    totals are normal, fewer where they are rare and large. At most clusters less one.
    """
    n = len(differences)
    codes = cluster_codes(clusters, n)
    sizes = np.bincount(codes)
    k = len(sizes)
    if k == n or n < 2:
        return INDEPENDENT
    if k < 2:
        return DesignEffect(float(n), 1.0)
    centred = differences - differences.mean()
    independent = float((centred**2).sum()) / (n - 1) / n
    if independent == 0:
        return DesignEffect(float((sizes**2).sum() / n), k - 1.0)
    sums = np.bincount(codes, weights=centred)
    robust = float((sums**2).sum()) * k / (k - 1) / n**2
    kurtosis = k * float((sums**4).sum()) / max(float((sums**2).sum()) ** 2, 1e-300)
    return DesignEffect(max(1.0, robust / independent), min(k - 1.0, 2 * k / max(kurtosis - 1, 1e-9)))
