"""The candidate against the last release, where it was scored: by the same tests as against the base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .comparison import Estimate, differences_of, estimate_each, estimate_mean
from .decision import Change
from .limits import limits_of, with_harm
from .pairs import PairedSuite


@dataclass(frozen=True)
class PreviousComparison:
    """change is what is shown, found what is proved."""

    change: Change
    found: Estimate


def change_within(compared: PreviousComparison, bound: float, alpha: float, harm_level: float) -> Change:
    """What is shown, with the limits of its proofs. bound: the guardrail or margin; harm_level 0 where no harm can be
    proved, or not yet."""
    limits = limits_of(compared.found, bound, alpha)
    if harm_level:
        limits = with_harm(limits, compared.found, bound, compared.found.p_loss_beyond, harm_level)
    return replace(compared.change, limits=limits)


def compare_each(suites: Sequence[PairedSuite], guardrails: Sequence[float]) -> list[PreviousComparison | None]:
    """None for a suite of which the last release answered nothing."""
    shared = [shared_items(suite) for suite in suites]
    scored = [i for i, suite in enumerate(shared) if suite.n]
    differences = [differences_of(shared[i].differences, shared[i].clusters) for i in scored]
    found = dict(zip(scored, estimate_each(differences, [guardrails[i] for i in scored]), strict=True))
    return [
        None
        if i not in found
        else PreviousComparison(Change(suite.n, suite.previous, found[i].difference, found[i].ci), found[i])
        for i, suite in enumerate(shared)
    ]


def compare_mean(suites: Sequence[PairedSuite], margin: float) -> PreviousComparison | None:
    """The average over the suites; None unless the last release was scored on each."""
    shared = [shared_items(suite) for suite in suites]
    if not shared or any(suite.n == 0 for suite in shared):
        return None
    found = estimate_mean([differences_of(suite.differences, suite.clusters) for suite in shared], margin)
    return PreviousComparison(Change(sum(suite.n for suite in shared), None, found.difference, found.ci), found)


@dataclass(frozen=True)
class SharedItems:
    """Items that candidate and last release both answered. differences: candidate less the last release."""

    differences: np.ndarray
    clusters: Sequence[str | None]
    previous: float

    @property
    def n(self) -> int:
        return len(self.differences)


def shared_items(suite: PairedSuite) -> SharedItems:
    scores = suite.answers["previous"].scores
    asked = np.flatnonzero(~np.isnan(scores))
    previous = float(scores[asked].mean()) if len(asked) else 0.0
    return SharedItems(suite.candidate.scores[asked] - scores[asked], [suite.clusters[i] for i in asked], previous)
