"""Is a loss within the margin? The score test for the mean of paired differences, stratified over suites.

For 0/1 scores on one suite this is Tango's test (1998, Statistics in Medicine 17, 891-908), which keeps its level at
a few dozen items and with no discordant pair at all, where Wald and bootstrap intervals fail. Two generalisations
keep its construction, the likelihood of the differences maximised under the null hypothesis:

* graded scores: the multinomial is over all differences that occur, and the extremes -1 and 1, which may carry mass
  under the null although none was seen (for differences in {-1, 0, 1} that is Tango's multinomial);
* several suites: one multinomial a suite, and the null fixes the weighted mean of their means.

With multiplier m, the constrained probabilities of suite s are  count_k / (n_s + m w_s (x_k - mean_s)), and the
statistic is  z = (D - null) / standard error under the null = sqrt(m (D - null)),  D the weighted observed mean.

All functions take arrays with any leading shape, so that a simulation runs thousands of gates in one call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_INNER, _OUTER = 38, 42
"""Bisection steps: 2 ** -38 of a range of at most 2."""


class Strata(NamedTuple):
    """Paired differences of several suites as counts.

    values   [..., suites, kinds] differences from -1 to 1
    counts   [..., suites, kinds] how often each occurs; not whole where divided by a design effect
    weights  [suites] sum to 1
    """

    values: FloatArray
    counts: FloatArray
    weights: FloatArray

    @property
    def means(self) -> FloatArray:
        """[..., suites] observed mean differences."""
        means: FloatArray = (self.values * self.counts).sum(-1) / self.counts.sum(-1)
        return means

    def mirrored(self) -> Strata:
        return Strata(-self.values, self.counts, self.weights)


def score_statistic(strata: Strata, null: float | FloatArray) -> FloatArray:
    """[...] z of H0: weighted mean difference = null [...]; positive when the observed one is above."""
    null = np.asarray(null, dtype=float)
    distance = strata.means @ strata.weights - null
    z = np.zeros_like(distance)
    if (distance > 0).any():
        z += np.sqrt(_multiplier(strata, null) * np.maximum(distance, 0))
    if (distance < 0).any():
        z -= np.sqrt(_multiplier(strata.mirrored(), -null) * np.maximum(-distance, 0))
    return z


def score_lower_limit(strata: Strata, z: float | FloatArray) -> FloatArray:
    """[...] the null value at which the statistic is z [...] (> 0): lower confidence limit of the weighted mean."""
    observed = strata.means @ strata.weights
    low = np.zeros_like(observed)
    high = (z * z + strata.counts.sum((-2, -1))) / np.maximum(observed + 1, 1e-9)
    for _ in range(_OUTER):
        middle = (low + high) / 2
        too_far = middle * (observed - _constrained_mean(strata, middle)) > z * z
        low, high = np.where(too_far, low, middle), np.where(too_far, middle, high)
    return np.maximum(_constrained_mean(strata, low), -1.0)


def score_upper_limit(strata: Strata, z: float | FloatArray) -> FloatArray:
    """[...] upper confidence limit of the weighted mean."""
    return -score_lower_limit(strata.mirrored(), z)


def _multiplier(strata: Strata, null: FloatArray) -> FloatArray:
    """[...] m > 0 whose constrained mean is `null`; 0 where the observed mean is not above it."""
    low = np.zeros(strata.counts.shape[:-2])
    high = np.broadcast_to(strata.counts.sum((-2, -1)) / np.maximum(1 + null, 1e-9), low.shape).astype(float)
    for _ in range(_OUTER):
        middle = (low + high) / 2
        above = _constrained_mean(strata, middle) > null
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(strata.means @ strata.weights > null, (low + high) / 2, 0.0)


def _constrained_mean(strata: Strata, multiplier: FloatArray) -> FloatArray:
    """[...] weighted mean of the suites' constrained means for m >= 0; falls from the observed mean to -1.

    The mean of a suite makes its probabilities sum to 1. Where that would need a negative probability at -1, -1
    takes what is missing, and the mean is n / (m w) - 1.
    """
    n = strata.counts.sum(-1)
    scaled = np.maximum(multiplier[..., None] * strata.weights, 1e-12)
    low = np.full(np.broadcast_shapes(n.shape, scaled.shape), -1.0)
    high = np.minimum(strata.means, n / scaled - 1)
    for _ in range(_INNER):
        middle = (low + high) / 2
        denominators = n[..., None] + scaled[..., None] * (strata.values - middle[..., None])
        total = (strata.counts / np.maximum(denominators, 1e-300)).sum(-1)
        low, high = np.where(total < 1, middle, low), np.where(total < 1, high, middle)
    mean: FloatArray = ((low + high) / 2) @ strata.weights
    return mean
