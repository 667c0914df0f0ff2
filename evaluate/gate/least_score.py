"""The candidate against a least score that the policy asks for: absolute, whatever the base scores."""

from __future__ import annotations

from ..statistics.absolute import counted, items_to_tell, lower_limit, p_above, p_below, upper_limit
from ..statistics.one_sided import agreeing
from ..wording import p_value, percent
from .decision import LeastScore
from .pairs import PairedSuite
from .policy_words import least


def judge_least(
    suite: PairedSuite, bound: float | None, alpha: float, harm_level: float, *, complete: bool
) -> LeastScore | None:
    """None where the policy asks for none. Nothing is proved of it before the planned number of items.

    alpha       at which more than the bound is proved
    harm_level  at which less than the bound is, which blocks
    """
    if bound is None or not suite.n:
        return None
    scores, clusters = suite.candidate.scores, suite.clusters
    at_alpha, at_harm = counted(scores, clusters, alpha), counted(scores, clusters, harm_level)
    p = p_above(at_alpha, bound)
    met, missed = complete and p < alpha, complete and p_below(at_harm, bound) < harm_level
    return LeastScore(
        bound=bound,
        score=float(scores.mean()),
        p_value=p,
        at_worst=agreeing(lower_limit(at_alpha, alpha), bound, above=p < alpha),
        at_best=agreeing(upper_limit(at_harm, harm_level), bound, above=not missed) if complete else None,
        met=met,
        missed=missed,
        items_needed=None if met or missed else _more(suite.n, float(scores.mean()), bound, alpha, at_alpha.effect),
    )


def _more(n: int, score: float, bound: float, alpha: float, effect: float) -> int | None:
    items = items_to_tell(score, bound, alpha, effect)
    return None if items is None else max(1, items - n)


def in_words(found: LeastScore) -> str:
    """What is shown of it, with the limit of that very proof."""
    if found.missed:
        best = "" if found.at_best is None else f" (at best {percent(found.at_best)})"
        return f"a score of less than the min_score, {least(found.bound)}, is proved{best}"
    proved = "is" if found.met else "is not"
    return (
        f"a score above the min_score of {least(found.bound)} {proved} proved "
        f"(at worst {percent(found.at_worst)}, {p_value(found.p_value)})"
    )
