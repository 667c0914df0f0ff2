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

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_STEPS = 60
"""Newton steps at most; about six are usual, and halving the bracket alone would take forty."""
_NEAR = 1e-9
"""Step at which an iteration ends: the error that is left is about its square."""
_TINY = 1e-100


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
    high = (z * z + strata.counts.sum((-2, -1))) / np.maximum(observed + 1, 1e-9)

    def excess(multiplier: FloatArray) -> tuple[FloatArray, FloatArray]:
        mean, slope = _constrained_mean(strata, multiplier)
        return multiplier * (observed - mean) - z * z, observed - mean - multiplier * slope

    return np.maximum(_constrained_mean(strata, _root(excess, z * np.sqrt(_information(strata)), high))[0], -1.0)


def score_upper_limit(strata: Strata, z: float | FloatArray) -> FloatArray:
    """[...] upper confidence limit of the weighted mean."""
    return -score_lower_limit(strata.mirrored(), z)


def _multiplier(strata: Strata, null: FloatArray) -> FloatArray:
    """[...] m > 0 whose constrained mean is `null`; 0 where the observed mean is not above it."""
    distance = strata.means @ strata.weights - null
    high = strata.counts.sum((-2, -1)) / np.maximum(1 + null, 1e-9)

    def excess(multiplier: FloatArray) -> tuple[FloatArray, FloatArray]:
        mean, slope = _constrained_mean(strata, multiplier)
        return null - mean, -slope

    start = np.where(distance > 0, distance * _information(strata), np.nan)
    multiplier: FloatArray = np.nan_to_num(_root(excess, start, high))
    return multiplier


def _information(strata: Strata) -> FloatArray:
    """[...] one over the variance of the weighted mean, as observed: near the root where the null is near the data."""
    n = strata.counts.sum(-1)
    spread = (strata.counts * (strata.values - strata.means[..., None]) ** 2).sum(-1)
    variance: FloatArray = (strata.weights**2 * np.maximum(spread, 1e-3) / n**2).sum(-1)
    return 1 / variance


def _root(
    function: Callable[[FloatArray], tuple[FloatArray, FloatArray]], start: FloatArray, high: FloatArray
) -> FloatArray:
    """[...] where a rising function, which gives value and slope, is 0 between 0 and `high`; NaN where `start` is.

    Newton's method within a bracket, which is halved wherever a step would leave it (Press et al., Numerical Recipes,
    3rd edition, section 9.4).
    """
    low = np.zeros(np.broadcast_shapes(start.shape, high.shape))
    high = np.broadcast_to(high, low.shape).astype(float)
    at = np.clip(start, high * _NEAR, high)
    for _ in range(_STEPS):
        value, slope = function(at)
        low, high = np.where(value < 0, at, low), np.where(value < 0, high, at)
        step = at - value / np.where(slope > 0, slope, _TINY)
        inside = (step > low) & (step < high)
        following = np.where(inside, step, (low + high) / 2)
        if not (np.abs(following - at) > _NEAR * at).any():
            return following
        at = following
    return at


def _constrained_mean(strata: Strata, multiplier: FloatArray) -> tuple[FloatArray, FloatArray]:
    """[...] weighted mean of the suites' constrained means for m >= 0, which falls from the observed mean to -1, and
    its slope in m.

    The mean of a suite makes its probabilities sum to 1. Where that would need a negative probability at -1, -1
    takes what is missing, and the mean is n / (m w) - 1. The sum is convex and rises with the mean, so that Newton's
    steps from above never pass the root; they start where the probability at -1 alone, or of the data, is 1.
    """
    n = strata.counts.sum(-1)
    scaled = np.maximum(multiplier[..., None] * strata.weights, 1e-12)
    at_bottom = (strata.counts * (strata.values <= -1.0)).sum(-1)
    mean = np.minimum(
        np.broadcast_to(strata.means, np.broadcast_shapes(n.shape, scaled.shape)), (n - at_bottom) / scaled - 1
    )
    for _ in range(_STEPS):
        total, slope = _total(strata, n, scaled, mean)
        step = np.maximum(total - 1, 0) / slope
        mean = mean - step
        if not (step > _NEAR).any():
            break
    total, _ = _total(strata, n, scaled, mean)
    denominators = n[..., None] + scaled[..., None] * (strata.values - mean[..., None])
    squares = strata.counts / np.maximum(denominators, _TINY) ** 2
    inner = (squares * (strata.values - mean[..., None])).sum(-1) / (scaled * squares.sum(-1))
    slope = strata.weights * np.where(total < 1 - 1e-9, -n / scaled**2, inner)
    return mean @ strata.weights, (slope * strata.weights).sum(-1)


def _total(strata: Strata, n: FloatArray, scaled: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """[..., suites] the sum of a suite's probabilities, and its slope in the mean."""
    denominators = np.maximum(n[..., None] + scaled[..., None] * (strata.values - mean[..., None]), _TINY)
    shares = strata.counts / denominators
    return shares.sum(-1), (shares * scaled[..., None] / denominators).sum(-1)
