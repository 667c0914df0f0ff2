"""Early stopping: more items a look, the gate after each, until its verdict is a proved BLOCK or no PASS is left.

The gate is asked as it is asked of files: it bets on the items in an order that follows from their names, and what it
says of an evaluation that is not complete rests on e-processes, which may be looked at as often as one likes. So the
loop scores items in that very order, suites side by side, and reads only the verdict. PASS exists at the planned number
of items alone. docs/decisions/0065-stopping-early-is-a-loop-around-the-gate.md gives the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.findings import Verdict

from ..asking.examination import Examination, Item
from ..evaluation import Evaluation
from ..statistics.absolute import counted, p_above
from ..statistics.clusters import FloatArray
from ..statistics.e_process import order
from ..statistics.paired_tests import superiority
from ..wording import count, names
from .comparison import differences_of, estimate_mean
from .decision import Decision
from .pairs import PairedSuite, pair
from .policy import Policy

LOOKS = 20
"""How often the gate is asked, at most: each twentieth of every suite."""

ORDER = "sha256(suite, cluster or item id), ascending"

SHARES_OF_GAINS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of the items that are still to come. All gains are not the surest proof where few items are left: they add variance
as they add to the mean."""


@dataclass(frozen=True)
class Plan:
    """groups[suite] are its clusters, or single items, as numbers of items, in the order of betting."""

    groups: Mapping[str, Sequence[Sequence[int]]]
    items: Mapping[str, Sequence[Item]]

    def to_json(self) -> dict[str, Any]:
        """For `Evaluation.settings["planned"]`: the gate must know of every item that could have been scored."""
        return {
            suite: {
                "items": [self.items[suite][number].id for number in self.numbers(suite)],
                "clusters": [self.items[suite][number].cluster for number in self.numbers(suite)],
            }
            for suite in self.groups
        }

    def numbers(self, suite: str) -> list[int]:
        return sorted(number for group in self.groups[suite] for number in group)

    def upto(self, suite: str, look: int) -> list[int]:
        """Numbers of the items that are scored after `look` looks of LOOKS, in the order of betting."""
        groups = self.groups[suite]
        return [number for group in groups[: math.ceil(look * len(groups) / LOOKS)] for number in group]

    def planned(self, suite: str) -> int:
        return sum(map(len, self.groups[suite]))


def make_plan(examinations: Sequence[Examination], numbers: Mapping[str, Sequence[int]]) -> Plan:
    """numbers: of the items of each examination that are to be scored."""
    return Plan(
        {examination.name: _betting_order(examination, numbers[examination.name]) for examination in examinations},
        {examination.name: examination.items for examination in examinations},
    )


def _betting_order(examination: Examination, numbers: Sequence[int]) -> list[list[int]]:
    """As `e_process` bets: clusters as a whole, shuffled by their names."""
    groups: dict[Hashable, list[int]] = {}
    for number in numbers:
        cluster = examination.items[number].cluster
        groups.setdefault(("item", number) if cluster is None else ("cluster", cluster), []).append(number)
    labels = [examination.items[group[0]].cluster or examination.items[group[0]].id for group in groups.values()]
    ordered = list(groups.values())
    return [ordered[place] for place in order(labels, examination.name)]


def reason_to_stop(decision: Decision, evaluation: Evaluation, plan: Plan, policy: Policy) -> str | None:
    """Why no further item is needed, in words; None where one is."""
    if decision.verdict is Verdict.BLOCK:
        return "a BLOCK is proved"
    lost = _unreachable(decision, pair(evaluation), plan, policy)
    return f"no PASS is possible any more: {lost}" if lost else None


def _unreachable(decision: Decision, paired: Mapping[str, PairedSuite], plan: Plan, policy: Policy) -> str | None:
    """A proof that a PASS needs and that the items still to come cannot bring, whatever they are."""
    hopeless = [
        suite.suite
        for suite in decision.suites
        if suite.role == "domain" and suite.required and paired[suite.suite].n
        and not _gain_possible(paired[suite.suite], plan, suite.margin, policy.alpha)
    ]  # fmt: skip
    if hopeless:
        return f"were every item still to come a gain, none would be proved on {names(hopeless)}"
    too_low = [
        suite.suite
        for suite in decision.suites
        if suite.least is not None
        and not _score_possible(paired[suite.suite], plan, suite.least.bound, policy.alpha)
    ]  # fmt: skip
    if too_low:
        return (
            f"were every item still to come right, a score above the min_score would not be proved on {names(too_low)}"
        )
    general = [paired[suite.suite] for suite in decision.suites if suite.role == "general" and paired[suite.suite].n]
    seen = [Seen(suite.differences, suite.clusters, _missing(suite, plan)) for suite in general]
    if seen and not margin_reachable(seen, policy):
        return "were every item still to come a gain, the average would not be proved within the margin"
    return None


def _gain_possible(suite: PairedSuite, plan: Plan, min_gain: float, alpha: float) -> bool:
    for coming in _still_to_come(_missing(suite, plan)):
        better = np.concatenate([suite.candidate.scores, coming])
        worse = np.concatenate([suite.base.scores, np.zeros(len(coming))])
        clusters = [*suite.clusters, *[None] * len(coming)]
        if superiority(better, worse, clusters, min_gain) < alpha:
            return True
    return False


def _score_possible(suite: PairedSuite, plan: Plan, min_score: float, alpha: float) -> bool:
    coming = _missing(suite, plan)
    scores = np.concatenate([suite.candidate.scores, np.ones(coming)])
    return p_above(counted(scores, [*suite.clusters, *[None] * coming], alpha), min_score) < alpha


@dataclass(frozen=True)
class Seen:
    """differences of one suite so far [n], candidate less base, and their clusters; missing: items still to come."""

    differences: FloatArray
    clusters: Sequence[str | None]
    missing: int


def margin_reachable(suites: Sequence[Seen], policy: Policy) -> bool:
    """Whether some outcome of the items still to come would exclude an average loss of the margin."""
    futures = zip(*(_still_to_come(suite.missing) for suite in suites), strict=True)
    for future in futures:
        whole = [
            differences_of(np.concatenate([suite.differences, coming]), [*suite.clusters, *[None] * len(coming)])
            for suite, coming in zip(suites, future, strict=True)
        ]
        if estimate_mean(whole, policy.margin).p_loss_within < policy.alpha:
            return True
    return False


def _still_to_come(missing: int) -> list[FloatArray]:
    """Differences of the items that were not scored yet: the best that they could be, and a little less."""
    return [(np.arange(missing) < round(share * missing)).astype(float) for share in SHARES_OF_GAINS]


def _missing(suite: PairedSuite, plan: Plan) -> int:
    """Items still to come, at most: some of them may be left out as leaks."""
    return max(0, plan.planned(suite.result.suite) - suite.n - len(suite.leaked))


def record(plan: Plan, look: int, reason: str | None) -> dict[str, Any]:
    """For `Evaluation.settings["stopping"]`, and so for the certificate: the order, and where it stopped.

    reason  None where the planned number was reached
    """
    items = {suite: len(plan.upto(suite, look)) for suite in plan.groups}
    planned = {suite: plan.planned(suite) for suite in plan.groups}
    return {
        "order": ORDER,
        "looks": LOOKS,
        "look": look,
        "items": items,
        "planned": planned,
        "spared": sum(planned.values()) - sum(items.values()),
        "reason": reason,
    }


def at_look(plan: Plan, look: int) -> str:
    """`look 3 of 20: 180 of 1,200 items`"""
    scored = sum(len(plan.upto(suite, look)) for suite in plan.groups)
    return f"look {look} of {LOOKS}: {scored:,} of {count(sum(map(plan.planned, plan.groups)), 'item')}"


def in_words(stopping: Mapping[str, Any]) -> str:
    scored, planned = sum(stopping["items"].values()), sum(stopping["planned"].values())
    if stopping["reason"] is None:
        return f"early stopping: all {count(planned, 'item')} were needed"
    return (
        f"stopped early after {scored:,} of {count(planned, 'item')} ({stopping['spared']:,} spared), "
        f"at look {stopping['look']} of {stopping['looks']}: {stopping['reason']}"
    )
