"""How many items models answer that are only there to show what a suite can see: enough, and no more of the time.

docs/decisions/0014-how-much-damage.md has the shares of an evaluation's time that were measured.
"""

from __future__ import annotations

from ..evaluation import ModelName
from ..settings import EvaluateSettings

FEWEST_DAMAGED = 60
"""A model at chance between two options is told from one that is right on 75 % with so many items, mostly."""


def control_items(arm: ModelName, items: int, settings: EvaluateSettings) -> int | None:
    """Items of a suite of so many that this arm is asked, at most; None for an arm that is asked all of them.

    Half of the items for the damaged model, a quarter for the slightly damaged one: with the 20 for the zero adapter
    that is less than a third of all answers where base and candidate give the rest and a suite has 120 items or more.
    """
    most = {
        "damaged": min(settings.damaged_items, max(FEWEST_DAMAGED, items // 2)),
        "slightly_damaged": min(settings.slightly_damaged_items, items // 4),
        "zero": settings.zero_items,
    }
    return most.get(arm)
