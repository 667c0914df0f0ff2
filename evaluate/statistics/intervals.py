"""Intervals for the mean score of one model on one suite."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from .clusters import cluster_sums, design_effect
from .distributions import normal_quantile, t_quantile


class Interval(NamedTuple):
    low: float
    high: float


def wilson_interval(successes: float, n: float, confidence: float = 0.95, df: float = math.inf) -> Interval:
    """Wilson's score interval for a proportion (Wilson 1927, J. Am. Stat. Assoc. 22, 209-212).

    Counts may be effective ones, divided by a design effect (Rao & Scott 1992), hence not whole. df are the degrees
    of freedom of that effect: with ten clusters the normal quantile holds in 92 % of cases, Student's in 95 %.
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    p_upper = 0.5 + confidence / 2
    z2 = (t_quantile(p_upper, df) if math.isfinite(df) else normal_quantile(p_upper)) ** 2
    p = successes / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def mean_interval(
    scores: Sequence[float], clusters: Sequence[Hashable | None] | None = None, confidence: float = 0.95
) -> Interval:
    """Interval for the mean of scores from 0 to 1: Wilson's for 0/1 scores, Student's t for graded ones.

    Items of a cluster are not independent: 0/1 counts are then divided by the design effect, whose degrees of freedom
    widen the quantile, and the t interval takes its variance from cluster totals, with as many degrees of freedom as
    there are clusters, less one.
    """
    values = np.asarray(scores, dtype=float)
    n = len(values)
    if n == 0:
        return Interval(0.0, 1.0)
    if np.isin(values, (0.0, 1.0)).all():
        effect, df = design_effect(values, clusters)
        return wilson_interval(float(values.sum()) / effect, n / effect, confidence, df)
    mean = float(values.mean())
    sums = cluster_sums(values - mean, clusters)
    k = len(sums)
    if k < 2:
        return Interval(0.0, 1.0)
    variance = float((sums**2).sum()) * k / (k - 1) / n**2
    half = t_quantile(0.5 + confidence / 2, k - 1) * math.sqrt(variance)
    return Interval(max(0.0, mean - half), min(1.0, mean + half))
