"""Was the candidate really what answered? One that is not in effect gives the answers of the base to the last digit."""

from __future__ import annotations

from collections.abc import Iterable

from ..wording import count
from .pairs import PairedSuite

FEWEST_LIKELIHOODS = 20
"""Log-likelihoods of so many chosen options are not the same to the last bit under an adapter that moves logits."""
FEWEST_TEXTS = 50
"""So many generated answers may all be the same under a weak adapter; it then changes nothing that is measured."""


def not_in_effect(suites: Iterable[PairedSuite]) -> str | None:
    """Why the candidate's answers are not its own; None where one of them, its score or its likelihood differs from
    the base's, or where there are too few to tell."""
    compared = [suite for suite in suites if suite.n]
    if any(_differ(suite) for suite in compared):
        return None
    items = sum(suite.n for suite in compared)
    likelihoods = sum(logprob is not None for suite in compared for logprob in suite.base.logprobs)
    if likelihoods < FEWEST_LIKELIHOODS and items < FEWEST_TEXTS:
        return None
    exactly = " and every likelihood to the last digit" if likelihoods else ""
    return (
        f"the candidate gives the base's answer to every one of {count(items, 'item')}{exactly}, although its weights "
        "are not zero: the adapter was not in effect while it was scored, or it changes nothing that the suites measure"
    )


def _differ(suite: PairedSuite) -> bool:
    base, candidate = suite.base, suite.candidate
    return (
        base.outputs != candidate.outputs
        or base.logprobs != candidate.logprobs
        or bool((base.scores != candidate.scores).any())
    )
