"""Is the candidate better? Superiority on paired items."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from .clusters import FloatArray, cluster_sums
from .distributions import fair_coin_tail, normal_tail, t_tail
from .score_test import Strata, score_statistic


def mcnemar_mid_p(gains: int, losses: int) -> float:
    """One-sided mid-p McNemar test that gains are more likely than losses.

    Half the probability of the observed table is left out of the exact conditional p-value: close to the nominal
    level, where the exact test is conservative (Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91;
    theirs is two-sided, twice the smaller one-sided value). 0.5 when no item changed.
    """
    discordant = gains + losses
    tail, beyond = fair_coin_tail(gains, discordant), fair_coin_tail(gains + 1, discordant)
    return (tail + beyond) / 2


def paired_t(differences: FloatArray, clusters: Sequence[Hashable | None] | None = None, null: float = 0.0) -> float:
    """One-sided p-value of Student's paired t test that the mean difference exceeds `null`.

    With clusters, the variance comes from cluster totals with one degree of freedom a cluster, less one (Liang &
    Zeger 1986, Biometrika 73, 13-22, with the usual k/(k-1) correction). 1.0 with fewer than two clusters; where all
    differences are equal there is no variance to judge by, and a difference above `null` gives 2 ** -clusters, the
    sign test's value.
    """
    n = len(differences)
    sums = cluster_sums(differences - null, clusters)
    k = len(sums)
    if k < 2:
        return 1.0
    mean = float(differences.mean()) - null
    centred = cluster_sums(differences - differences.mean(), clusters)
    variance = float((centred**2).sum()) * k / (k - 1) / n**2
    if variance <= 1e-24:
        return 2.0**-k if mean > 1e-12 else (0.5 if mean > -1e-12 else 1.0)
    return t_tail(mean / math.sqrt(variance), k - 1)


def superiority(
    better: FloatArray, worse: FloatArray, clusters: Sequence[Hashable | None] | None = None, null: float = 0.0
) -> float:
    """One-sided p-value that `better` [n] scores higher than `worse` [n] by more than `null`, on the same items.

    0/1 scores of independent items: mid-p McNemar, and Tango's score test where `null` is not 0. Graded scores or
    clustered items: the (cluster-robust) paired t test.
    """
    differences = better - worse
    if len(differences) == 0:
        return 1.0
    if not is_binary_and_independent(better, worse, clusters):
        return paired_t(differences, clusters, null)
    gains, losses = int((differences > 0).sum()), int((differences < 0).sum())
    if null == 0:
        return mcnemar_mid_p(gains, losses)
    counts = np.array([[losses, len(differences) - gains - losses, gains]], dtype=float)
    strata = Strata(np.array([[-1.0, 0.0, 1.0]]), counts, np.ones(1))
    return normal_tail(float(score_statistic(strata, null)))


def is_binary_and_independent(
    better: FloatArray, worse: FloatArray, clusters: Sequence[Hashable | None] | None
) -> bool:
    """Whether the tests for right and wrong hold: else scores are graded, or items share clusters."""
    binary = bool(np.isin(better, (0.0, 1.0)).all() and np.isin(worse, (0.0, 1.0)).all())
    return binary and len(cluster_sums(better - worse, clusters)) == len(better)
