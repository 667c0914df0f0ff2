"""How good a generated set is, from the records that a person read; and whether that is enough to train on it.

The rule `synth.require_acceptance: 0.95` asks that the share of good records be at least 0.95, at one-sided 95 %
confidence. Records are read in an order in which every one is as likely to be among the first (`sample`), so that the
number rejected, of strata that differ, varies no more than a binomial one does (Hoeffding 1956, theorem 4), and Clopper
and Pearson's bound holds: 59 reviews without a reject, 93 with one, 124 with two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from assay.records import Json

from .interval import Interval, clopper_pearson, lower_bound
from .review import Review, readings, skipped
from .sample import Placed

SPREAD = 0.9
"""A sample whose effective size is this share of its size is spread as the set is."""


@dataclass(frozen=True)
class Acceptance:
    """What people said of a set.

    strata    {stratum: records of the set in it}
    right, wrong  {stratum: records read, and found right; found wrong, or changed before they were}
    skipped   records looked at and not decided: they count as wrong until they are, lest the hard ones be left out
    """

    strata: Mapping[str, int]
    right: Mapping[str, int]
    wrong: Mapping[str, int]
    skipped: int = 0

    @property
    def records(self) -> int:
        return sum(self.strata.values())

    @property
    def read(self) -> int:
        return sum(self.right.values()) + self.rejected

    @property
    def rejected(self) -> int:
        return sum(self.wrong.values())

    @property
    def is_whole(self) -> bool:
        """Every record was read: what was not rejected is good, whatever its share."""
        return self.records > 0 and self.read >= self.records

    @cached_property
    def error_rate(self) -> float | None:
        """Share of the set that is wrong: the mean of the strata, each by its size. None before anything was read."""
        weights = self._weights
        if not weights:
            return None
        total = sum(self.strata[name] for name in weights)
        return sum(weight * self.wrong.get(name, 0) for name, weight in weights.items()) / total

    @cached_property
    def interval(self) -> Interval:
        """95 % two-sided, of the share that is wrong."""
        if self.is_whole:
            rate = self.error_rate or 0.0
            return Interval(rate, rate)
        return clopper_pearson((self.error_rate or 0.0) * self._effective, self._effective)

    @cached_property
    def lower(self) -> float:
        """Of the share that is good: one-sided 95 %, exact; of a set that was read as a whole, the share itself."""
        if self.is_whole:
            return 1.0 - (self.error_rate or 0.0)
        pooled = lower_bound(self.read - self.rejected, self.read + self.skipped)
        if not self.read or self._effective >= SPREAD * self.read:
            return pooled
        weighted = clopper_pearson((self.error_rate or 0.0) * self._effective, self._effective, 0.9)
        return min(pooled, 1.0 - weighted.high)

    @property
    def _weights(self) -> dict[str, float]:
        """{stratum that was read: records that each read one stands for}"""
        read = {name: self.right.get(name, 0) + self.wrong.get(name, 0) for name in self.strata}
        return {name: self.strata[name] / count for name, count in read.items() if count}

    @property
    def _effective(self) -> float:
        """Size of a simple random sample that says as much (Kish 1965)."""
        weights = self._weights
        counts = {name: self.right.get(name, 0) + self.wrong.get(name, 0) for name in weights}
        squares = sum(counts[name] * weight**2 for name, weight in weights.items())
        return sum(self.strata[name] for name in weights) ** 2 / squares if squares else 0.0

    def meets(self, required: float) -> bool:
        """0 asks for nothing."""
        return required <= 0 or self.records == 0 or self.is_whole or (self.read > 0 and self.lower >= required)

    def needed(self, required: float) -> int:
        """Reviews still needed, if none of them finds a fault; at most as many as are unread."""
        if self.meets(required):
            return 0
        read, failed = self.read + self.skipped, self.rejected + self.skipped
        unread = self.records - self.read
        more = 1
        while more < unread and lower_bound(read + more - failed, read + more) < required:
            more += 1
        return more

    def sentence(self, required: float | None = None) -> str:
        """What is known, and what is lacking."""
        if not self.records:
            return "no generated record"
        lacking = "" if not required else f"; {self._lacking(required)}"
        if self.error_rate is None:
            return f"nobody has read any of the {self.records:,} generated records{lacking}"
        low, high = self.interval
        return (
            f"{self.error_rate:.1%} of the {self.records:,} generated records are wrong (95 % interval {low:.1%} to "
            f"{high:.1%}; {self.read:,} read, {self.rejected:,} rejected{self._skips}); at least {self.lower:.2%} are "
            f"good{' ' if self.is_whole else ' (one-sided 95 % bound)'}".rstrip()
            + lacking
        )

    @property
    def _skips(self) -> str:
        return f", {self.skipped:,} skipped, which count as rejected" if self.skipped else ""

    def _lacking(self, required: float) -> str:
        if self.is_whole:
            return "all were read: those that were not rejected may train"
        if self.meets(required):
            return f"that meets require_acceptance {required:g}"
        more = self.needed(required)
        review = "review" if more == 1 else "reviews"
        if more >= self.records - self.read:
            return f"require_acceptance {required:g} needs {more:,} more {review}: all that are left"
        return f"require_acceptance {required:g} needs {more:,} more {review}, if none of them finds a fault"

    def to_json(self, required: float | None = None) -> dict[str, Json]:
        return {
            "records": self.records,
            "read": self.read,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "error_rate": None if self.error_rate is None else round(self.error_rate, 4),
            "ci": [round(end, 4) for end in self.interval],
            "acceptance_at_least": round(self.lower, 4),
            "require_acceptance": required,
            "accepted": None if required is None else self.meets(required),
            "needed": None if required is None else self.needed(required),
            "sentence": self.sentence(required),
        }


def acceptance_of(placed: Sequence[Placed], reviews: Iterable[Review]) -> Acceptance:
    """What people said of the records of a set, as it was generated."""
    reviews = list(reviews)
    said, undecided = readings(reviews), skipped(reviews)
    right = Counter(item.stratum for item in placed if said.get(item.record.id) is True)
    wrong = Counter(item.stratum for item in placed if said.get(item.record.id) is False)
    left = sum(item.record.id in undecided and item.record.id not in said for item in placed)
    return Acceptance(Counter(item.stratum for item in placed), right, wrong, left)
