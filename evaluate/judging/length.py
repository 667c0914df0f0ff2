"""Does a judge prefer the longer answer, and who would win were both as long?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..statistics.clusters import FloatArray, cluster_codes
from ..statistics.distributions import normal_quantile
from ..statistics.intervals import Interval, wilson_interval

MOST_STEPS = 50
SEPARATED = 12.0
"""Logits: beyond this a fit runs off to infinity, since lengths alone part wins from losses."""


@dataclass(frozen=True)
class LengthControl:
    """decided        comparisons with a winner, of answers that differ in length
    longer_wins    share of them that the longer answer won; None where there are none
    win_rate       of the first model, as the judge said it, ties as half
    adjusted       the same, were both answers as long; None where the data cannot tell the two apart
    preference     coefficient of length with its 95 % interval, in logits; above 0 the judge prefers length
    """

    decided: int
    longer_wins: float | None
    longer_interval: Interval | None
    win_rate: float
    adjusted: float | None
    adjusted_interval: Interval | None
    preference: float | None
    preference_interval: Interval | None

    @property
    def prefers_length(self) -> bool:
        """Proved at equal merit; or, where that cannot be told apart, the longer answer wins more often than not."""
        if self.preference_interval is not None:
            return self.preference_interval.low > 0
        return self.longer_interval is not None and self.longer_interval.low > 0.5

    def to_json(self) -> dict[str, Any]:
        def listed(interval: Interval | None) -> list[float] | None:
            return None if interval is None else [interval.low, interval.high]

        return {
            "decided": self.decided,
            "longer_wins": self.longer_wins,
            "longer_interval": listed(self.longer_interval),
            "win_rate": self.win_rate,
            "adjusted": self.adjusted,
            "adjusted_interval": listed(self.adjusted_interval),
            "preference": self.preference,
            "preference_interval": listed(self.preference_interval),
            "prefers_length": self.prefers_length,
        }


def length_control(
    outcomes: FloatArray, more: FloatArray, clusters: Sequence[Hashable | None] | None = None
) -> LengthControl | None:
    """None without a comparison.

    outcomes  [n] 1, 0.5 or 0: the first model wins, ties, loses
    more      [n] characters by which its answer is the longer one

    The adjusted win rate is AlpacaEval 2's (Dubois et al. 2024, "Length-Controlled AlpacaEval", section 3): a logistic
    regression of the outcome on the model and on tanh of the standardised difference in length, read where that
    difference is 0. With two models there is no difficulty of an item to estimate, and it is left out. Intervals are
    from the sandwich variance, over clusters, since ties make outcomes of a half.
    """
    n = len(outcomes)
    if n == 0:
        return None
    apart = (outcomes != 0.5) & (more != 0)
    decided = int(apart.sum())
    longer = float((np.sign(outcomes[apart] - 0.5) == np.sign(more[apart])).sum())
    fit = _fit(outcomes, more, cluster_codes(clusters, n))
    return LengthControl(
        decided=decided,
        longer_wins=longer / decided if decided else None,
        longer_interval=wilson_interval(longer, decided) if decided else None,
        win_rate=float(outcomes.mean()),
        adjusted=None if fit is None else _share(fit.intercept.estimate),
        adjusted_interval=None if fit is None else Interval(*map(_share, fit.intercept.interval)),
        preference=None if fit is None else fit.slope.estimate,
        preference_interval=None if fit is None else fit.slope.interval,
    )


@dataclass(frozen=True)
class _Coefficient:
    estimate: float
    interval: Interval


@dataclass(frozen=True)
class _Fit:
    intercept: _Coefficient
    slope: _Coefficient


def _fit(outcomes: FloatArray, more: FloatArray, codes: Any) -> _Fit | None:
    spread = float(more.std())
    if spread == 0 or len(outcomes) < 3:
        return None
    design = np.column_stack([np.ones(len(more)), np.tanh(more / spread)])
    found = logistic(design, outcomes, codes)
    if found is None:
        return None
    estimates, variance = found
    z = normal_quantile(0.975)
    both = [
        _Coefficient(float(b), Interval(float(b - z * math.sqrt(v)), float(b + z * math.sqrt(v))))
        for b, v in zip(estimates, np.diag(variance), strict=True)
    ]
    return _Fit(*both)


def logistic(design: FloatArray, outcomes: FloatArray, codes: Any) -> tuple[FloatArray, FloatArray] | None:
    """Coefficients [p] and their sandwich variance [p, p] over clusters, by Newton's method.

    design [n, p]; outcomes [n] from 0 to 1 (Papke & Wooldridge 1996, J. Appl. Econom. 11, 619-632); codes [n] clusters.
    None where there is no finite maximum, as when lengths alone part wins from losses.
    """
    beta = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        expected = 1 / (1 + np.exp(-np.clip(design @ beta, -500, 500)))
        information = (design * (expected * (1 - expected))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (outcomes - expected))
        except np.linalg.LinAlgError:
            return None
        beta = beta + step
        if not np.isfinite(beta).all() or np.abs(beta).max() > SEPARATED:
            return None
        if np.abs(step).max() < 1e-10:
            break
    else:
        return None
    expected = 1 / (1 + np.exp(-(design @ beta)))
    information = (design * (expected * (1 - expected))[:, None]).T @ design
    if np.linalg.cond(information) > 1e10:
        return None
    scores = np.zeros((int(codes.max()) + 1, design.shape[1]))
    np.add.at(scores, codes, design * (outcomes - expected)[:, None])
    clusters = len(scores)
    inverse = np.linalg.inv(information)
    middle = scores.T @ scores * (clusters / max(1, clusters - 1))
    return beta, inverse @ middle @ inverse


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, logit))))
