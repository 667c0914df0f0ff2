"""What is proved about the slices of a suite.

Every slice is shown with its interval. One that the policy names is guarded: a loss beyond its guardrail blocks once it
is proved, at alpha over the number of guarded slices of all valid suites. A slice has few items, so mostly neither that
loss nor its absence is proved: then the items that it takes are said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assay.findings import Verdict

from ..statistics.items_needed import more_items, with_unseen_changes
from .comparison import Estimate, differences_of, estimate_each
from .decision import SliceDecision
from .limits import limits_of, with_harm
from .pairs import PairedSuite
from .policy import Policy, SuitePolicy


@dataclass(frozen=True)
class SliceProofs:
    """broken   names of guarded slices on which a loss beyond the guardrail is proved
    held     such a loss is excluded on every guarded slice
    unknown  guarded slices that no item is in
    """

    broken: tuple[str, ...] = ()
    held: bool = True
    unknown: tuple[str, ...] = ()


NO_SLICES = SliceProofs()


@dataclass(frozen=True)
class _Part:
    """bound: the loss that `found` was held against"""

    name: str
    rows: Sequence[int]
    found: Estimate
    bound: float


def judge_slices(
    suite: PairedSuite, role: SuitePolicy, policy: Policy, harm_alpha: float, *, valid: bool, complete: bool
) -> tuple[tuple[SliceDecision, ...], SliceProofs]:
    """harm_alpha: alpha over the number of guarded slices. Proofs exist at the planned number of items only."""
    parts = _parts(suite, role, policy)
    guarded = {part.name for part in parts} & role.slices.keys()
    decisions = tuple(
        _decide(part, suite, role, policy, harm_alpha if complete else 0.0)
        if valid and part.name in guarded
        else _shown(part, suite, policy.alpha)
        for part in parts
    )
    unknown = tuple(name for name in role.slices if name not in guarded) if complete else ()
    if not valid:
        return decisions, SliceProofs(unknown=unknown)
    verdicts = {part.name: part.verdict for part in decisions if part.verdict is not None}
    return decisions, SliceProofs(
        broken=tuple(name for name, verdict in verdicts.items() if verdict is Verdict.BLOCK),
        held=all(verdict is Verdict.PASS for verdict in verdicts.values()),
        unknown=unknown,
    )


def _parts(suite: PairedSuite, role: SuitePolicy, policy: Policy) -> list[_Part]:
    rows: dict[str, list[int]] = {}
    for i, label in enumerate(suite.slices):
        if label is not None:
            rows.setdefault(label, []).append(i)
    names = sorted(rows)
    bounds = [
        policy.slice_guardrail(role, name) if name in role.slices else policy.guardrail_of(role) for name in names
    ]
    differences = [
        differences_of(suite.differences[rows[name]], [suite.clusters[i] for i in rows[name]]) for name in names
    ]
    found = estimate_each(differences, bounds)
    return [
        _Part(name, rows[name], estimate, bound) for name, estimate, bound in zip(names, found, bounds, strict=True)
    ]


def _shown(part: _Part, suite: PairedSuite, alpha: float) -> SliceDecision:
    rows = np.asarray(part.rows)
    return SliceDecision(
        name=part.name,
        n=len(rows),
        base=float(suite.base.scores[rows].mean()),
        candidate=float(suite.candidate.scores[rows].mean()),
        difference=part.found.difference,
        ci=part.found.ci,
        limits=limits_of(part.found, part.bound, alpha),
    )


def _decide(part: _Part, suite: PairedSuite, role: SuitePolicy, policy: Policy, harm_alpha: float) -> SliceDecision:
    """harm_alpha 0 where nothing can be proved yet."""
    shown, found = _shown(part, suite, policy.alpha), part.found
    guardrail = policy.slice_guardrail(role, part.name)
    broken = found.p_loss_beyond < harm_alpha
    held = harm_alpha > 0 and found.p_loss_within < policy.alpha
    variance = with_unseen_changes(shown.n, found.variance)
    needed = more_items(shown.n, variance, found.difference + guardrail, policy.alpha)
    limits = limits_of(found, guardrail, policy.alpha)
    if harm_alpha:
        limits = with_harm(limits, found, guardrail, found.p_loss_beyond, harm_alpha)
    return replace(
        shown,
        guardrail=guardrail,
        verdict=Verdict.BLOCK if broken else Verdict.PASS if held else Verdict.INCONCLUSIVE,
        p_value=found.p_loss_within,
        items_needed=None if broken or held else needed,
        limits=limits,
    )
