"""The smallest loss that a suite would show, next to what a candidate that is damaged a little lost on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..gate.comparison import differences_of, estimate_each
from ..gate.pairs import PairedSuite
from ..statistics.clusters import FloatArray, design_effect
from ..statistics.intervals import Interval
from ..statistics.items_needed import POWER
from ..suites.size import detectable_difference
from ..wording import count, percent, points


@dataclass(frozen=True)
class SlightDamage:
    """What a little noise on the candidate's weights did to its score, on the items that this model was asked.

    difference  damaged less healthy candidate; ci its 95 % interval
    shown       a loss is proved
    """

    items: int
    difference: float
    ci: Interval
    shown: bool


@dataclass(frozen=True)
class Power:
    """items          answered by base and candidate
    changed        mean square of their differences; for right and wrong, the share of items on which they differ
    design_effect  by how much clusters inflate the variance
    detectable     the minimum detectable effect: a true loss of this size is proved with the chance POWER; None where
                   there are too few items for any
    slight         None where no slightly damaged candidate was scored
    """

    items: int
    changed: float
    design_effect: float
    detectable: float | None
    slight: SlightDamage | None

    def in_words(self) -> str:
        said = self._detectable()
        if self.slight is None:
            return said
        slight = self.slight
        change = f"{points(slight.difference)} on {count(slight.items, 'item')}"
        shown = "a loss is shown" if slight.shown else "no loss is shown"
        return f"{said}; a candidate damaged a little changed by {change}: {shown}"

    def _detectable(self) -> str:
        if self.detectable is None:
            return f"{count(self.items, 'item')} show no loss of any size"
        clustered = f", clusters count {self.design_effect:.1f} times" if self.design_effect > 1 else ""
        return (
            f"a loss of {percent_points(self.detectable)} is shown {round(10 * POWER)} times in ten "
            f"({count(self.items, 'item')}, {percent(self.changed)} of the answers scored differently{clustered})"
        )

    def to_json(self) -> dict[str, Any]:
        slight = None
        if self.slight is not None:
            slight = {
                "items": self.slight.items,
                "difference": self.slight.difference,
                "ci": list(self.slight.ci),
                "shown": self.slight.shown,
            }
        return {
            "items": self.items,
            "changed": self.changed,
            "design_effect": self.design_effect,
            "detectable": self.detectable,
            "slight_damage": slight,
        }


def power_of(suite: PairedSuite, alpha: float) -> Power:
    """From the items, the differences that were seen, and their clusters."""
    return Power(*_detectable(suite.differences, suite.clusters, alpha), _slight_damage(suite, alpha))


def _detectable(
    differences: FloatArray, clusters: Sequence[str | None], alpha: float
) -> tuple[int, float, float, float | None]:
    n = len(differences)
    changed = float(np.mean(np.square(differences)))
    effect = design_effect(differences, clusters).factor
    return n, changed, effect, detectable_difference(n / effect, alpha, changed)


def _slight_damage(suite: PairedSuite, alpha: float) -> SlightDamage | None:
    damaged = suite.answers["slightly_damaged"]
    asked = np.flatnonzero(damaged.asked)
    if len(asked) == 0:
        return None
    differences = damaged.scores[asked] - suite.candidate.scores[asked]
    (found,) = estimate_each([differences_of(differences, [suite.clusters[i] for i in asked])], 0.0)
    return SlightDamage(len(asked), found.difference, found.ci, found.p_loss < alpha)


def percent_points(size: float) -> str:
    """0.0312 -> '3.1 points'"""
    return f"{100 * size:.1f} points"
