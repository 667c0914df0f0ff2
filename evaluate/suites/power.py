"""What a suite can show, before anything is scored: its minimum detectable effect at a planned discordance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from assay.records import Json
from assay.suites import Suite

from ..statistics.items_needed import POWER
from ..wording import count, percent, size
from .size import ALPHA, CHANGED_SHARE, detectable_difference, independent_items, items_to_prove


@dataclass(frozen=True)
class PlannedPower:
    """items        of the suite
    independent  that they count for, since items of one cluster are alike
    changed      share of the items on which base and adapter are planned to differ: the discordance
    detectable   true difference that is proved with the chance POWER at ALPHA; None: none
    """

    items: int
    independent: float
    changed: float
    detectable: float | None

    def in_words(self) -> str:
        """Of the suite, as a line."""
        given = f"base and adapter differing on {percent(self.changed)} of them"
        counted = "" if self.independent >= self.items else f" that count for {self.independent:.0f}"
        if self.detectable is None:
            return f"shows no difference of any size: {count(self.items, 'item')}{counted}"
        return (
            f"shows a difference of {100 * self.detectable:.1f} points {round(10 * POWER)} times in ten "
            f"({count(self.items, 'item')}{counted}, {given})"
        )

    def items_for(self, difference: float) -> int | None:
        """Items like these, with as many of a cluster, that show a difference so often; None: no number would."""
        needed = items_to_prove(difference, ALPHA, self.changed)
        return None if needed is None else math.ceil(needed * self.items / self.independent)

    def shows(self, difference: float) -> bool:
        needed = items_to_prove(difference, ALPHA, self.changed)
        return needed is not None and needed <= self.independent

    def lacking(self, difference: float) -> str:
        """That the items are too few for it, and how many would do."""
        needed = self.items_for(difference)
        able = (
            "nothing" if self.detectable is None else f"only a difference of about {points_up(self.detectable)} or more"
        )
        would = "no number of items would do" if needed is None else f"about {count(needed, 'such item')} would"
        return f"{count(self.items, 'item')} can prove {able}; for {size(difference)} {would}"

    def to_json(self) -> dict[str, Json]:
        return {
            "items": self.items,
            "independent": self.independent,
            "changed": self.changed,
            "detectable": self.detectable,
        }


def planned_power(suite: Suite, changed: float | None = None) -> PlannedPower:
    """changed: CHANGED_SHARE unless given."""
    share = CHANGED_SHARE if changed is None else changed
    independent = independent_items([item.cluster for item in suite.items])
    return PlannedPower(len(suite.items), independent, share, detectable_difference(independent, ALPHA, share))


def points_up(difference: float) -> str:
    """In whole points, rounded up: what is named can be proved."""
    return size(math.ceil(100 * difference) / 100)
