"""How far the candidate has moved from the base: Kullback-Leibler divergence over the options of an item.

The log-likelihoods of an item's options, normalised, are what a model would choose among them. KL(candidate || base) is
the expected log ratio under the candidate, in nats: the penalty that keeps preference training near its reference
model (Ziegler et al. 2019, arXiv:1909.08593, section 2). It is 0 where nothing moved, and it moves before the first
answer flips. Of generated answers no distribution is kept, so nothing is measured there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..statistics.clusters import FloatArray, cluster_sums
from ..statistics.distributions import t_quantile, t_tail
from ..statistics.intervals import Interval
from .pairs import PairedSuite

if TYPE_CHECKING:
    import pyarrow as pa

ItemDivergences: TypeAlias = Mapping[str, Mapping[str, float]]
"""By suite and item id, of the items for which both models' options are known."""


@dataclass(frozen=True)
class Divergence:
    """Mean over items, in nats, with its 95 % interval (Student's t on cluster totals; items are skewed, so with few
    of them its upper limit is a little low). n: items measured. variance: of the mean."""

    n: int
    mean: float
    ci: Interval
    variance: float
    df: float

    def to_json(self) -> dict[str, Any]:
        return {"n": self.n, "mean": self.mean, "ci": list(self.ci)}

    def p_above(self, bound: float) -> float:
        """One-sided p-value that the mean exceeds `bound`."""
        return self._tail(self.mean - bound)

    def p_below(self, bound: float) -> float:
        return self._tail(bound - self.mean)

    def limits(self, level: float) -> Interval:
        """One-sided limits, each at `level`: below `bound` where `p_below(bound)` is below it, and above likewise."""
        if self.variance <= 0 or self.df < 1:
            return Interval(self.mean, self.mean) if self.n >= 2 else Interval(0.0, math.inf)
        half = t_quantile(1 - level, self.df) * math.sqrt(self.variance)
        return Interval(max(0.0, self.mean - half), self.mean + half)

    def _tail(self, distance: float) -> float:
        if self.variance <= 0 or self.df < 1:
            return 1.0 if distance <= 0 or self.n < 2 else 0.0
        return t_tail(distance / math.sqrt(self.variance), self.df)


def option_divergence(candidate: Sequence[float], base: Sequence[float]) -> float:
    """KL(candidate || base) in nats, each given as log-likelihoods of the same options."""
    p, q = (_normalised(np.asarray(logprobs, dtype=float)) for logprobs in (candidate, base))
    return max(0.0, float((np.exp(p) * (p - q)).sum()))


def _normalised(logprobs: FloatArray) -> FloatArray:
    largest = logprobs.max()
    normalised: FloatArray = logprobs - (largest + np.log(np.exp(logprobs - largest).sum()))
    return normalised


def item_divergences(items: pa.Table) -> ItemDivergences:
    """Of every item whose options both models were asked, and whose likelihoods are finite."""
    import pyarrow.compute as pc

    known = items.select(["suite", "item_id", "model", "option_logprobs"]).filter(
        pc.field("option_logprobs").is_valid()
    )
    options: dict[str, dict[tuple[str, str], list[float]]] = {"base": {}, "candidate": {}}
    for row in known.to_pylist():
        if row["model"] in options:
            options[row["model"]][row["suite"], row["item_id"]] = json.loads(row["option_logprobs"])
    found: dict[str, dict[str, float]] = {}
    for (suite, item), base in options["base"].items():
        candidate = options["candidate"].get((suite, item))
        if candidate is not None and _comparable(candidate, base):
            found.setdefault(suite, {})[item] = option_divergence(candidate, base)
    return found


def _comparable(candidate: Sequence[float], base: Sequence[float]) -> bool:
    return len(candidate) == len(base) > 1 and all(map(math.isfinite, [*candidate, *base]))


def divergence_of(suite: PairedSuite, known: ItemDivergences) -> Divergence | None:
    """None where no item of the suite was measured."""
    of_suite = known.get(suite.result.suite, {})
    rows = [i for i, item in enumerate(suite.item_ids) if item in of_suite]
    if not rows:
        return None
    values = np.array([of_suite[suite.item_ids[i]] for i in rows])
    mean, clusters = float(values.mean()), [suite.clusters[i] for i in rows]
    sums = cluster_sums(values - mean, clusters)
    k = len(sums)
    variance = float((sums**2).sum()) * k / (k - 1) / len(rows) ** 2 if k > 1 else 0.0
    return _with_interval(len(rows), mean, variance, k - 1.0)


def mean_divergence(suites: Sequence[Divergence]) -> Divergence | None:
    """Mean over suites, each with the same weight; Satterthwaite's degrees of freedom. None without any."""
    if not suites:
        return None
    k = len(suites)
    total = sum(suite.variance for suite in suites)
    part = sum(suite.variance**2 / suite.df for suite in suites if suite.df >= 1)
    df = total**2 / part if part > 0 else min(suite.df for suite in suites)
    return _with_interval(sum(suite.n for suite in suites), sum(suite.mean for suite in suites) / k, total / k**2, df)


def _with_interval(n: int, mean: float, variance: float, df: float) -> Divergence:
    half = t_quantile(0.975, df) * math.sqrt(variance) if df >= 1 else math.inf
    return Divergence(n, mean, Interval(max(0.0, mean - half), mean + half), variance, df)
