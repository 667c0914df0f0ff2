"""How often it is wrong, from a few that were read: an exact interval for a share."""

from __future__ import annotations

import math
from typing import NamedTuple

LEVEL = 0.95

_STEPS = 200


class Interval(NamedTuple):
    """Both ends belong to it."""

    low: float
    high: float


def clopper_pearson(wrong: float, read: float, level: float = LEVEL) -> Interval:
    """Of a share, from `wrong` of `read`: covers it at least as often as `level` says (Clopper and Pearson 1934).

    Numbers that are not whole are those of a weighted sample: its effective size, and the weighted share of it
    (Korn and Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts").

    >>> [round(end, 3) for end in clopper_pearson(0, 73)]
    [0.0, 0.049]
    """
    if read <= 0:
        return Interval(0.0, 1.0)
    tail = (1 - level) / 2
    low = 0.0 if wrong <= 0 else _beta_quantile(tail, wrong, read - wrong + 1)
    high = 1.0 if wrong >= read else _beta_quantile(1 - tail, wrong + 1, read - wrong)
    return Interval(low, high)


def lower_bound(right: int, read: int, level: float = LEVEL) -> float:
    """One-sided: the share is at least this, at `level`; the lower end of Clopper and Pearson's at twice the error.

    >>> round(lower_bound(59, 59), 4), round(lower_bound(122, 124), 4)
    (0.9505, 0.9501)
    """
    return clopper_pearson(right, read, 2 * level - 1).low


def readings_needed(half_width: float, rate: float, level: float = LEVEL) -> int:
    """As many records to read that the interval is `half_width` to either side of a share of about `rate`.

    >>> readings_needed(0.05, 0.05)
    94
    """
    read = 1
    while True:
        low, high = clopper_pearson(rate * read, read, level)
        if (high - low) / 2 <= half_width:
            return read
        read += 1


def _beta_quantile(share: float, a: float, b: float) -> float:
    """By halving: the distribution function grows, and 60 halvings are more than a double can tell apart."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _beta_below(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_below(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta_below(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    return front / a * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's algorithm."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, _STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return value
