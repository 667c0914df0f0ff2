"""The candidate against one answer to every item: what a gain over a base that scores nothing leaves open.

A base that answers in sentences scores nothing on labels, and whoever says one label always gains over it.
"""

from __future__ import annotations

from ..sensitivity.chance import Commonest
from ..statistics.items_needed import more_items, with_unseen_changes
from ..statistics.one_sided import superiority_limit
from ..statistics.paired_tests import superiority
from ..wording import p_value, percent, points
from .comparison import differences_of
from .decision import ConstantAnswer
from .pairs import PairedSuite


def compare_constant(suite: PairedSuite, commonest: Commonest | None, alpha: float) -> ConstantAnswer | None:
    """By the test that is used against the base."""
    if commonest is None:
        return None
    p = superiority(suite.candidate.scores, commonest.scores, suite.clusters)
    at_worst = superiority_limit(suite.candidate.scores, commonest.scores, suite.clusters, alpha)
    return ConstantAnswer(commonest.quote, commonest.share, p, at_worst, p < alpha)


def items_to_beat(suite: PairedSuite, commonest: Commonest, alpha: float) -> int | None:
    """Further items until a gain would probably be proved; None where no number would do, as where none is seen: that
    the candidate knows less than the commonest answer decides nothing."""
    found = differences_of(suite.candidate.scores - commonest.scores, suite.clusters)
    if found.mean <= 0:
        return None
    return more_items(suite.n, with_unseen_changes(suite.n, found.variance), found.mean, alpha)


def in_words(constant: ConstantAnswer) -> str:
    """Without the answer itself, which is text of a record: reasons stand in certificates and logs."""
    return (
        f"the commonest answer, given to every item, scores {percent(constant.score)}, and a gain over that is not "
        f"proved ({_worst(constant)}{p_value(constant.p_value)})"
    )


def _worst(constant: ConstantAnswer) -> str:
    return "" if constant.at_worst is None else f"at worst {points(constant.at_worst)}, "
