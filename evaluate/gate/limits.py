"""The one-sided limits that stand beside proofs: what is shown is what decided (docs/decisions/0109).

A proof at level alpha and a two-sided 95 % interval use different levels, so that the one may exclude what the other
holds. These limits come from the tests of the proofs, by inversion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..statistics.intervals import Interval
from ..statistics.one_sided import agreeing
from .comparison import Estimate


@dataclass(frozen=True)
class Limits:
    """Of a difference, candidate less base or last release.

    confidence  of the interval from at_worst to at_best, 1 - 2 alpha
    at_worst    lower limit at alpha. At its bound or above where a loss beyond that is excluded, or a gain above it
                proved; at the bound or below where not
    at_best     upper limit at alpha
    harm        upper limit at harm_level: at its bound or below where harm is proved, at it or above where not
    harm_level  the part of alpha that this proof of harm has; both None where it cannot be made before the planned
                number of items
    """

    confidence: float
    at_worst: float
    at_best: float
    harm: float | None = None
    harm_level: float | None = None

    @property
    def interval(self) -> Interval:
        return Interval(self.at_worst, self.at_best)

    def to_json(self) -> dict[str, Any]:
        return {
            "confidence": self.confidence,
            "at_worst": self.at_worst,
            "at_best": self.at_best,
            "harm": self.harm,
            "harm_level": self.harm_level,
        }


def limits_of(found: Estimate, bound: float, alpha: float) -> Limits:
    """bound: the loss that is to be excluded, which `found` was held against."""
    low, high = found.limits(alpha)
    at_worst = agreeing(low, -bound, above=found.p_loss_within < alpha)
    return Limits(confidence_of(alpha), at_worst, high)


def with_harm(limits: Limits, found: Estimate, loss: float, p_value: float, level: float) -> Limits:
    """p_value: that the loss is larger than `loss`, which blocks where it is below `level`."""
    harm = agreeing(found.limits(level).high, -loss, above=not p_value < level)
    return replace(limits, harm=harm, harm_level=level)


def confidence_of(alpha: float) -> float:
    """0.05 -> 0.9, without the rounding errors of a subtraction."""
    return round(1 - 2 * alpha, 12)


def limits_from_json(data: Mapping[str, Any] | None) -> Limits | None:
    """None for a decision from before there were limits. Raises KeyError, TypeError or ValueError."""
    if data is None:
        return None
    harm, level = data["harm"], data["harm_level"]
    return Limits(
        float(data["confidence"]),
        float(data["at_worst"]),
        float(data["at_best"]),
        None if harm is None else float(harm),
        None if level is None else float(level),
    )
