"""Normal, binomial and Student t probabilities with the standard library, so that a gate needs no scipy."""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def normal_quantile(probability: float) -> float:
    """z with P(Z <= z) = probability."""
    return _NORMAL.inv_cdf(probability)


def normal_tail(z: float) -> float:
    """P(Z >= z), accurate far out in the tail."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def fair_coin_tail(heads: int, flips: int) -> float:
    """P(X >= heads) for X ~ Binomial(flips, 1/2), in exact integers."""
    if heads <= 0:
        return 1.0
    ways = sum(math.comb(flips, k) for k in range(heads, flips + 1))
    return ways / 2**flips if flips < 1000 else float(ways * 10**18 >> flips) / 1e18


def t_tail(t: float, df: float) -> float:
    """P(T >= t) for Student's t; df may be infinite, which is the normal distribution."""
    if math.isinf(t) or math.isinf(df):
        return normal_tail(t) if math.isfinite(t) else (0.0 if t > 0 else 1.0)
    half = 0.5 * regularised_beta(df / (df + t * t), df / 2, 0.5)
    return half if t >= 0 else 1 - half


def t_quantile(probability: float, df: float) -> float:
    """t with P(T <= t) = probability, by bisection on `t_tail`."""
    if math.isinf(df):
        return normal_quantile(probability)
    if probability < 0.5:
        return -t_quantile(1 - probability, df)
    low, high = 0.0, 1.0
    while t_tail(high, df) > 1 - probability:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, df) > 1 - probability else (low, middle)
    return (low + high) / 2


def regularised_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b) by its continued fraction (Press et al., Numerical Recipes, 3rd edition, section 6.4)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - regularised_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) * _beta_fraction(x, a, b) / a


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Lentz's method; converges in about sqrt(max(a, b)) steps."""
    tiny = 1e-300
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, 10_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + numerator * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + numerator / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return fraction
