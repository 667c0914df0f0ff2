"""How alpha is shared among the proofs of harm: over kinds, over suites, and over looks.

Any one harm that is found blocks, so what is looked for more often has to be found at a lower level. An unchanged
candidate stands at two bounds: no loss on the average over general suites, and no loss on the domain. These two share
one alpha. From the other bounds a margin or a guardrail keeps it away; each of those kinds has an alpha of its own,
which is also the chance, at most, that a candidate standing at that very bound is said to be beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .policy import Policy, SuitePolicy


class NoLoss(NamedTuple):
    """Levels at which an unchanged candidate may be wrongly blocked; their sum is alpha.

    early   of the e-process against "no loss on the average": only where the policy forbids any loss, else 0
    late    of the test against it at the planned number
    domain  of the proofs that a domain suite is worse, over all of them
    """

    early: float
    late: float
    domain: float


def no_loss_levels(policy: Policy) -> NoLoss:
    """The domain has the smallest share: a candidate that gains nothing there never passes, whatever is proved."""
    alpha = policy.alpha
    if policy.block_on_any_proved_loss:
        return NoLoss(0.8 * alpha, 0.1 * alpha, 0.1 * alpha)
    return NoLoss(0.0, 0.8 * alpha, 0.2 * alpha)


class Level(NamedTuple):
    """What one proof of harm may spend.

    early  on the e-process that is looked at before the planned number of items; 0 where nobody looks
    late   on the test at the planned number
    """

    early: float
    late: float


def over_looks(level: float, *, looked: bool) -> Level:
    """Both may err, so a candidate that was looked at has half of the level for each."""
    return Level(level / 2, level / 2) if looked else Level(0.0, level)


@dataclass(frozen=True)
class Levels:
    """suite     that a suite loses more than its guardrail against the base
    previous  and against the last release, which waits for the planned number
    domain    that a domain suite is worse than the base
    part      that a guarded slice loses more than its guardrail, at the planned number
    least     that the candidate scores less than the min_score of a suite, at the planned number
    """

    suite: Level
    previous: float
    domain: Level
    part: float
    least: float


def levels_of(policy: Policy, roles: Mapping[str, SuitePolicy], *, against_both: bool, looked: bool) -> Levels:
    """Bonferroni within each kind of harm.

    roles   of the valid suites; while an early-stopping loop goes on, of all, so that every look is at one level
    looked  an early-stopping loop asks, or has asked, before the planned number
    """
    comparisons = 2 if against_both and policy.previous != "ignore" else 1
    domain = sum(role.role == "domain" for role in roles.values())
    slices = sum(len(role.slices) for role in roles.values())
    scores = sum(policy.min_score_of(role) is not None for role in roles.values())
    suite = policy.alpha / max(1, comparisons * len(roles))
    return Levels(
        suite=over_looks(suite, looked=looked),
        previous=suite,
        domain=over_looks(no_loss_levels(policy).domain / max(1, domain), looked=looked),
        part=policy.alpha / max(1, slices),
        least=policy.alpha / max(1, scores),
    )
