"""The candidate against one answer to every item: what a gain over a base that scores nothing leaves open.

A base that answers in sentences scores nothing on labels, and whoever says one label always gains over it.
"""

from __future__ import annotations

from ..sensitivity.chance import Commonest
from ..statistics.items_needed import more_items, with_unseen_changes
from ..statistics.paired_tests import superiority
from ..wording import p_value, percent
from .comparison import differences_of
from .decision import ConstantAnswer
from .pairs import PairedSuite


def compare_constant(suite: PairedSuite, commonest: Commonest | None) -> ConstantAnswer | None:
    """By the test that is used against the base."""
    if commonest is None:
        return None
    p = superiority(suite.candidate.scores, commonest.scores, suite.clusters)
    return ConstantAnswer(commonest.quote, commonest.share, p)


def items_to_beat(suite: PairedSuite, commonest: Commonest, alpha: float) -> int | None:
    """Further items until it would probably be decided; None where no number would do."""
    found = differences_of(suite.candidate.scores - commonest.scores, suite.clusters)
    return more_items(suite.n, with_unseen_changes(suite.n, found.variance), found.mean, alpha)


def in_words(constant: ConstantAnswer) -> str:
    return (
        f"always answering '{constant.answer}' scores {percent(constant.score)}, and that the candidate knows more "
        f"than that is not proved ({p_value(constant.p_value)})"
    )
