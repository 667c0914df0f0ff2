"""The numbers of a gate: each suite's difference, and the macro average, with intervals and proofs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ..statistics.clusters import FloatArray, design_effect
from ..statistics.distributions import normal_quantile, t_quantile, t_tail
from ..statistics.e_process import Planned, log_wealth, make_rounds
from ..statistics.intervals import Interval
from ..statistics.score_test import Strata, score_lower_limit, score_statistic, score_upper_limit
from .pairs import PairedSuite

Z_95 = 1.959963984540054

Plans: TypeAlias = Mapping[str, Planned]
NO_PLANS: Plans = {}


@dataclass(frozen=True)
class Differences:
    """Paired differences of one suite, ready for the score test.

    values    [kinds] differences that occur, and -1, 0, 1
    counts    [kinds] how often, divided by the design effect
    variance  of the mean difference
    """

    n: int
    mean: float
    values: FloatArray
    counts: FloatArray
    variance: float
    df: float


@dataclass(frozen=True)
class Estimate:
    """A difference with its 95 % interval, and one-sided p-values.

    p_loss_within  that a loss as large as the bound is excluded
    p_loss_beyond  that the loss exceeds the bound
    p_loss         that there is a loss at all
    strata, df     what the test was made of, for its limits at other levels
    """

    difference: float
    ci: Interval
    p_loss_within: float
    p_loss_beyond: float
    p_loss: float
    variance: float
    strata: Strata = field(compare=False, repr=False)
    df: float = math.inf

    def limits(self, level: float) -> Interval:
        """One-sided limits, each at `level`, by inverting the test of the p-values: a loss of d is excluded at that
        level where the lower one is above -d, and a loss beyond d is proved where the upper one is below -d."""
        critical = normal_quantile(1 - level) if math.isinf(self.df) else t_quantile(1 - level, self.df)
        return Interval(
            float(score_lower_limit(self.strata, critical)), float(score_upper_limit(self.strata, critical))
        )


def differences_of(values: FloatArray, clusters: Sequence[str | None]) -> Differences:
    """values [n] are candidate less base."""
    effect = design_effect(values, clusters)
    kinds, counts = np.unique(np.concatenate([values.round(6), [-1.0, 0.0, 1.0]]), return_counts=True)
    counts = counts.astype(float) - np.isin(kinds, (-1.0, 0.0, 1.0))
    n = len(values)
    variance = float(values.var(ddof=1)) / n * effect.factor if n > 1 else 1.0
    return Differences(n, float(values.mean()), kinds, counts / effect.factor, variance, effect.df)


def estimate_each(suites: Sequence[Differences], bound: float | Sequence[float]) -> list[Estimate]:
    """Every suite, or slice, by itself. bound: a loss, such as the guardrail, for all or for each."""
    if not suites:
        return []
    strata = stack(suites)
    alone = Strata(strata.values[:, None, :], strata.counts[:, None, :], np.ones(1))
    dfs, variances = [suite.df for suite in suites], [suite.variance for suite in suites]
    return _estimates(alone, np.broadcast_to(np.asarray(bound, dtype=float), len(suites)), dfs, variances)


def estimate_mean(suites: Sequence[Differences], bound: float) -> Estimate:
    """The mean over suites, each with the same weight. bound: a loss, such as the margin.

    Few clusters make the variance uncertain: z is then judged by Student's t, with Satterthwaite's degrees of freedom.
    """
    strata = stack(suites)
    together = Strata(strata.values[None], strata.counts[None], strata.weights)
    variance = sum(suite.variance for suite in suites) / len(suites) ** 2
    return _estimates(together, np.array([bound]), [_degrees_of_freedom(suites)], [variance])[0]


def _estimates(strata: Strata, bounds: FloatArray, dfs: Sequence[float], variances: Sequence[float]) -> list[Estimate]:
    """One for each entry of the leading axis of `strata`."""
    critical = np.array([Z_95 if math.isinf(df) else t_quantile(0.975, df) for df in dfs])
    z_bound, z_zero = score_statistic(strata, -bounds), score_statistic(strata, 0.0)
    low, high = score_lower_limit(strata, critical), score_upper_limit(strata, critical)
    means = strata.means @ strata.weights
    return [
        Estimate(
            difference=float(means[i]),
            ci=Interval(float(low[i]), float(high[i])),
            p_loss_within=t_tail(float(z_bound[i]), df),
            p_loss_beyond=t_tail(-float(z_bound[i]), df),
            p_loss=t_tail(-float(z_zero[i]), df),
            variance=variances[i],
            strata=Strata(strata.values[i], strata.counts[i], strata.weights),
            df=df,
        )
        for i, df in enumerate(dfs)
    ]


def stack(suites: Sequence[Differences]) -> Strata:
    """Padded with kinds that never occur."""
    kinds = max(len(suite.values) for suite in suites)
    values, counts = np.zeros((2, len(suites), kinds))
    for row, suite in enumerate(suites):
        values[row, : len(suite.values)] = suite.values
        counts[row, : len(suite.counts)] = suite.counts
    return Strata(values, counts, np.full(len(suites), 1 / len(suites)))


def _degrees_of_freedom(suites: Sequence[Differences]) -> float:
    """Satterthwaite (1946, Biometrics Bulletin 2, 110-114)."""
    part = sum(suite.variance**2 / suite.df for suite in suites if math.isfinite(suite.df))
    total = sum(suite.variance for suite in suites)
    return max(1.0, total**2 / part) if part > 0 else min(suite.df for suite in suites)


def loss_evidence(
    suites: Sequence[PairedSuite], null: float, alternative: float, alpha: float, plans: Plans = NO_PLANS
) -> tuple[float, int | None]:
    """The e-process against "the macro loss is at most `null`": the largest e-value it reached, and the items over all
    suites after which it first reached 1 / alpha (None: it never did).

    alternative  the loss that one would hate to miss
    plans        by suite, where not all planned items are scored yet
    Nothing is bet on no suite.
    """
    if not suites:
        return 1.0, None
    planned = [plans.get(suite.result.suite) or plan_of(suite) for suite in suites]
    rounds = make_rounds([_losses(*pair) for pair in zip(suites, planned, strict=True)], planned)
    wealth = log_wealth(rounds, null, alternative)
    crossed = np.flatnonzero(wealth >= -math.log(alpha))
    first = int(np.sum(rounds.counts[: int(crossed[0]) + 1])) if len(crossed) else None
    return max(1.0, math.exp(min(float(wealth.max(initial=0.0)), 700.0))), first


def plan_of(suite: PairedSuite) -> Planned:
    """All that was scored is all that was planned."""
    return Planned(suite.result.suite, suite.item_ids, suite.clusters)


def _losses(suite: PairedSuite, planned: Planned) -> FloatArray:
    """[planned items] base less candidate; NaN where an item is not scored yet."""
    known = dict(zip(suite.item_ids, -suite.differences, strict=True))
    return np.array([known.get(item, math.nan) for item in planned.item_ids], dtype=float)
