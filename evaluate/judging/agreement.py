"""How far a judge agrees with people, and what its rates become once its errors are taken out."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..statistics.distributions import normal_quantile
from ..statistics.intervals import Interval, wilson_interval

Z = normal_quantile(0.975)


@dataclass(frozen=True)
class Rate:
    """hits of n, with Wilson's 95 % interval."""

    hits: int
    n: int

    @property
    def share(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        return wilson_interval(self.hits, self.n)

    def to_json(self) -> dict[str, Any]:
        return {"hits": self.hits, "n": self.n, "share": self.share, "ci": list(self.interval)}


@dataclass(frozen=True)
class Corrected:
    """An estimate with its 95 % interval."""

    estimate: float
    interval: Interval

    def to_json(self) -> dict[str, Any]:
        return {"estimate": self.estimate, "ci": list(self.interval)}


def rogan_gladen(share: float, n: float, sensitivity: Rate, specificity: Rate) -> Corrected | None:
    """The share of answers that people would call right, from the share that the judge does.

    share, n  the judge's share, and the number of answers behind it, which may be an effective one

    (share + specificity - 1) / (sensitivity + specificity - 1), by Rogan & Gladen 1978, Am. J. Epidemiol. 107, 71-76,
    within 0 and 1. The interval is Lang & Reiczigel's (2014, Prev. Vet. Med. 113, 13-22), which also carries that
    sensitivity and specificity are estimates; intervals that take them as known cover far too seldom (Flor et al. 2020,
    BMC Public Health 20:1135). None where one of the two is unknown or the judge is no better than a coin.
    """
    se, sp = sensitivity.share, specificity.share
    if se is None or sp is None or n <= 0 or se + sp <= 1:
        return None
    estimate = (share + sp - 1) / (se + sp - 1)
    n_se, n_sp, n_all = sensitivity.n + 2, specificity.n + 2, n + Z * Z
    se, sp, seen = (sensitivity.hits + 1) / n_se, (specificity.hits + 1) / n_sp, (n * share + Z * Z / 2) / n_all
    youden = se + sp - 1
    if youden <= 0:
        return None
    centre = (seen + sp - 1) / youden
    se_variance, sp_variance = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    variance = seen * (1 - seen) / n_all + centre**2 * se_variance + (1 - centre) ** 2 * sp_variance
    half = Z * math.sqrt(variance) / youden
    shift = 2 * Z * Z * (centre * se_variance - (1 - centre) * sp_variance)
    low, high = centre + shift - half, centre + shift + half
    kept = min(1.0, max(0.0, estimate))
    return Corrected(kept, Interval(min(kept, max(0.0, low)), max(kept, min(1.0, high))))


def corrected_ratio(value: float, variance: float, slope: float, slope_variance: float) -> Corrected | None:
    """value / slope, within -1 and 1, by the delta method: a difference that the judge's errors shrink.

    slope  how much of a true difference the judge shows: sensitivity + specificity - 1, or, of two answers, how much
           oftener it names people's winner than their loser. None where it is not proved to be above 0.
    """
    if slope - Z * math.sqrt(slope_variance) <= 0:
        return None
    estimate = value / slope
    half = Z * math.sqrt(variance / slope**2 + value**2 * slope_variance / slope**4)
    kept = min(1.0, max(-1.0, estimate))
    return Corrected(kept, Interval(max(-1.0, min(kept, estimate - half)), min(1.0, max(kept, estimate + half))))


def cohens_kappa(
    people: Sequence[Hashable], judge: Sequence[Hashable], independent: int | None = None
) -> Corrected | None:
    """Agreement beyond chance (Cohen 1960), with the large-sample interval of Fleiss, Cohen & Everitt 1969.

    independent  how many of the verdicts are, where some stand there twice
    None where both always say the same, so that chance alone would agree.
    """
    kinds = sorted(set(people) | set(judge), key=str)
    n = len(people)
    if n == 0:
        return None
    table = np.zeros((len(kinds), len(kinds)))
    for one, other in zip(people, judge, strict=True):
        table[kinds.index(one), kinds.index(other)] += 1 / n
    rows, columns = table.sum(1), table.sum(0)
    agreed, chance = float(np.trace(table)), float(rows @ columns)
    if chance >= 1 - 1e-12:
        return None
    kappa = (agreed - chance) / (1 - chance)
    sums = columns[:, None] + rows[None, :]
    diagonal = float((np.diag(table) * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    off = (1 - kappa) ** 2 * float((table * sums**2).sum() - (np.diag(table) * (rows + columns) ** 2).sum())
    variance = (diagonal + off - (kappa - chance * (1 - kappa)) ** 2) / ((independent or n) * (1 - chance) ** 2)
    half = Z * math.sqrt(max(0.0, variance))
    return Corrected(kappa, Interval(max(-1.0, kappa - half), min(1.0, kappa + half)))
