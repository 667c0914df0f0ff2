"""What models that are known to be worse, or the same, show about a suite."""

from __future__ import annotations

import numpy as np

from .paired_tests import superiority
from .pairs import Answers, PairedSuite
from .sensitivity_check import Check
from .wording import count, names, p_value, percent


def damage_shows(suite: PairedSuite, answers: Answers, who: str, alpha: float) -> Check:
    """The model with noise on its weights must score lower, on the items that it was asked."""
    damaged = suite.answers["damaged"]
    asked = np.flatnonzero(damaged.asked)
    if len(asked) == 0:
        return Check("damage_shows", None, "no deliberately damaged model was scored")
    healthy, hurt = answers.scores[asked], damaged.scores[asked]
    p = superiority(healthy, hurt, [suite.clusters[i] for i in asked])
    seen = f"{percent(float(hurt.mean()))} damaged, {percent(float(healthy.mean()))} {who}, {count(len(asked), 'item')}"
    if p < alpha:
        return Check("damage_shows", True, f"a damaged model is caught: {seen}")
    changed = sum(damaged.outputs[i] != answers.outputs[i] for i in asked)
    if not changed:
        how = "gets exactly the same answers"
    elif np.array_equal(healthy, hurt):
        how = f"changes {count(changed, 'answer')} and not one score"
    else:
        how = "is not caught"
    return Check("damage_shows", False, f"a deliberately damaged model {how}: {seen} ({p_value(p)})")


def zero_changes_nothing(suite: PairedSuite) -> Check:
    """An adapter that adds nothing must give the base's answers to the letter: else differences are not the adapter's,
    but of how models are loaded, batched or switched."""
    zero = suite.answers["zero"]
    asked = np.flatnonzero(zero.asked)
    if len(asked) == 0:
        return Check("zero_changes_nothing", None, "no adapter that adds nothing was scored")
    other = [i for i in asked if zero.outputs[i] != suite.base.outputs[i] or zero.scores[i] != suite.base.scores[i]]
    if other:
        moved = names([suite.item_ids[i] for i in other])
        return Check(
            "zero_changes_nothing",
            False,
            f"an adapter that adds nothing changes {count(len(other), 'answer')} of {len(asked)} ({moved}): "
            "differences are not the adapter's alone",
        )
    return Check("zero_changes_nothing", True, f"an adapter that adds nothing changes none of {len(asked)} answers")
