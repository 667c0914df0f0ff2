"""One-sided limits of a difference: what a test proves to be exceeded, found by inverting that very test.

A proof at level alpha that the difference exceeds a bound, and the lower limit at that level above the bound, are the
same statement (Lehmann & Romano, Testing Statistical Hypotheses, 3rd edition, section 3.5). So a page that shows the
limit beside the bound shows why the proof was made, or was not.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from .clusters import FloatArray, cluster_sums
from .distributions import normal_quantile, t_quantile
from .paired_tests import is_binary_and_independent, superiority
from .score_test import Strata, score_lower_limit


def agreeing(limit: float, bound: float, *, above: bool) -> float:
    """The limit, on the side of the bound where the test put it: at it or above where `above`, else at it or below.

    An inversion ends at a rounding error, and mid-p McNemar judges no difference while Tango's test inverts for all
    others: neither may make a limit contradict its proof.
    """
    return max(limit, bound) if above else min(limit, bound)


def superiority_limit(
    better: FloatArray, worse: FloatArray, clusters: Sequence[Hashable | None] | None, alpha: float, null: float = 0.0
) -> float:
    """The largest difference that `better` [n] is proved to exceed over `worse` [n] at alpha, by `superiority`.

    At `null` or above where that proof is made at `null`, and at it or below where it is not. -1.0 where nothing could
    be proved.
    """
    if len(better) == 0:
        return -1.0
    differences = better - worse
    if is_binary_and_independent(better, worse, clusters):
        limit = _score_limit(differences, alpha)
    else:
        limit = paired_t_limit(differences, clusters, alpha)
    return agreeing(limit, null, above=superiority(better, worse, clusters, null) < alpha)


def _score_limit(differences: FloatArray, alpha: float) -> float:
    gains, losses = int((differences > 0).sum()), int((differences < 0).sum())
    counts = np.array([[losses, len(differences) - gains - losses, gains]], dtype=float)
    strata = Strata(np.array([[-1.0, 0.0, 1.0]]), counts, np.ones(1))
    return float(score_lower_limit(strata, normal_quantile(1 - alpha)))


def paired_t_limit(differences: FloatArray, clusters: Sequence[Hashable | None] | None, alpha: float) -> float:
    """The largest null that `paired_t` rejects at alpha; -1.0 where it rejects none."""
    n, mean = len(differences), float(differences.mean())
    sums = cluster_sums(differences - mean, clusters)
    k = len(sums)
    if k < 2:
        return -1.0
    variance = float((sums**2).sum()) * k / (k - 1) / n**2
    if variance <= 1e-24:
        return mean if 2.0**-k < alpha else -1.0
    return max(-1.0, mean - t_quantile(1 - alpha, k - 1) * math.sqrt(variance))
