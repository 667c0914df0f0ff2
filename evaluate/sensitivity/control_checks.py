"""What models that are known to be worse, or the same, show about a suite."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..gate.pairs import Answers, PairedSuite
from ..statistics.paired_tests import superiority
from ..wording import count, names, p_value, percent
from .check import Check

Positions: TypeAlias = npt.NDArray[np.int64]


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


def zero_changes_nothing(suite: PairedSuite, alpha: float) -> Check:
    """An adapter that adds nothing must give the base's answers to the letter: else differences are not the adapter's,
    but of how models are loaded, batched or switched.

    It is asked fewer items than the base, so other ones share its batches. In float32 that changes no answer; in 16
    bits rounding does change some, to either side: there a difference of scores has to be proved.
    """
    zero = suite.answers["zero"]
    asked = np.flatnonzero(zero.asked)
    if len(asked) == 0:
        return Check("zero_changes_nothing", None, "no adapter that adds nothing was scored")
    other = [i for i in asked if zero.outputs[i] != suite.base.outputs[i] or zero.scores[i] != suite.base.scores[i]]
    if other and suite.dtype != "float32":
        return _rounding_alone(suite, zero, asked, len(other), alpha)
    if other:
        moved = names([suite.item_ids[i] for i in other])
        return Check(
            "zero_changes_nothing",
            False,
            f"an adapter that adds nothing changes {count(len(other), 'answer')} of {len(asked)} ({moved}): "
            "differences are not the adapter's alone",
        )
    return Check("zero_changes_nothing", True, f"an adapter that adds nothing changes none of {len(asked)} answers")


def _rounding_alone(suite: PairedSuite, zero: Answers, asked: Positions, changed: int, alpha: float) -> Check:
    base, other, clusters = suite.base.scores[asked], zero.scores[asked], [suite.clusters[i] for i in asked]
    p = min(1.0, 2 * min(superiority(base, other, clusters), superiority(other, base, clusters)))
    seen = f"{count(changed, 'answer')} of {len(asked)}"
    if p < alpha:
        scores = f"{percent(float(other.mean()))} where the base scores {percent(float(base.mean()))}, {p_value(p)}"
        why = f"an adapter that adds nothing changes {seen}, and scores {scores}"
        return Check("zero_changes_nothing", False, f"{why}: differences are not the adapter's alone")
    said = f"an adapter that adds nothing changes {seen}, as rounding in {suite.dtype} may, and no score that is proved"
    return Check("zero_changes_nothing", True, said)
