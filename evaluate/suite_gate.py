"""What is proved about one suite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.findings import Verdict

from .comparison import Estimate, differences_of, estimate_each, loss_evidence
from .decision import SliceChange, SuiteDecision
from .intervals import Interval
from .items_needed import more_items
from .paired_tests import superiority
from .pairs import PairedSuite
from .policy import Policy, SuitePolicy
from .sensitivity import Sensitivity
from .wording import interval, p_value, percent, points, size


@dataclass(frozen=True)
class SuiteProofs:
    """better            a gain above min_gain is proved (domain)
    worse             a loss is proved (domain)
    guardrail_broken  a loss beyond the guardrail is proved, against the base or the previous release
    guardrail_held    a loss beyond the guardrail is excluded
    must_pass_unknown items that must pass but do not exist
    """

    better: bool = False
    worse: bool = False
    guardrail_broken: bool = False
    guardrail_held: bool = False
    must_pass_unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class JudgedSuite:
    """One suite with its numbers and what they prove."""

    suite: PairedSuite
    decision: SuiteDecision
    proofs: SuiteProofs


def judge_suite(
    suite: PairedSuite,
    role: SuitePolicy,
    sensitivity: Sensitivity,
    found: Estimate | None,
    policy: Policy,
    harm_alpha: float,
    complete: bool,
) -> JudgedSuite:
    """found       the difference, held against the guardrail; None where no item was answered by both
    harm_alpha  level at which harm beyond the guardrail is proved: alpha over the number of suites
    """
    failed, unknown = _must_pass(suite, role)
    unknown = unknown if complete else ()
    if found is None:
        nothing = _nothing_paired(suite, role, sensitivity, policy)
        return JudgedSuite(suite, nothing, SuiteProofs(must_pass_unknown=unknown))
    broken = _guardrail_broken(suite, found, policy, harm_alpha, complete) or _worse_than_previous(
        suite, policy, harm_alpha, complete
    )
    p_better = superiority(suite.candidate.scores, suite.base.scores, suite.clusters, policy.min_gain)
    proofs = SuiteProofs(
        better=role.role == "domain" and complete and p_better < policy.alpha,
        worse=role.role == "domain" and _domain_worse(suite, policy, complete),
        guardrail_broken=sensitivity.valid and broken,
        guardrail_held=complete and found.p_loss_within < policy.alpha,
        must_pass_unknown=unknown,
    )
    p = p_better if role.role == "domain" else found.p_loss_within
    return JudgedSuite(
        suite,
        SuiteDecision(
            suite=suite.result.suite,
            role=role.role,
            required=role.required,
            verdict=_verdict(role, sensitivity, proofs, failed),
            reason=_reason(suite, role, sensitivity, proofs, found, p, policy),
            n=suite.n,
            base=float(suite.base.scores.mean()),
            previous=_previous_score(suite),
            candidate=float(suite.candidate.scores.mean()),
            difference=found.difference,
            ci=found.ci,
            margin=policy.min_gain if role.role == "domain" else policy.guardrail,
            p_value=p,
            gains=int((suite.differences > 0).sum()),
            losses=int((suite.differences < 0).sum()),
            items_needed=_items_needed(suite, role, proofs, found, policy),
            sensitivity=sensitivity,
            slices=_slices(suite),
            must_pass_failed=failed,
            leaked=len(suite.leaked),
        ),
        proofs,
    )


def _guardrail_broken(suite: PairedSuite, found: Estimate, policy: Policy, harm_alpha: float, complete: bool) -> bool:
    """At the planned number by the score test; before it by an e-process, which may be looked at any time."""
    if complete:
        return found.p_loss_beyond < harm_alpha
    return loss_evidence([suite], policy.guardrail, min(0.99, 2 * policy.guardrail), harm_alpha)[1] is not None


def _domain_worse(suite: PairedSuite, policy: Policy, complete: bool) -> bool:
    if complete:
        return superiority(suite.base.scores, suite.candidate.scores, suite.clusters) < policy.alpha
    return loss_evidence([suite], 0.0, policy.guardrail, policy.alpha)[1] is not None


def _worse_than_previous(suite: PairedSuite, policy: Policy, harm_alpha: float, complete: bool) -> bool:
    """Whether a loss beyond the guardrail is proved against the previous release, where it was scored."""
    previous = suite.answers["previous"]
    asked = np.flatnonzero(previous.asked)
    if not complete or len(asked) == 0:
        return False
    differences = suite.candidate.scores[asked] - previous.scores[asked]
    clusters = [suite.clusters[i] for i in asked]
    (found,) = estimate_each([differences_of(differences, clusters)], policy.guardrail)
    return found.p_loss_beyond < harm_alpha


def _previous_score(suite: PairedSuite) -> float | None:
    asked = suite.answers["previous"].asked
    return float(suite.answers["previous"].scores[asked].mean()) if asked.any() else None


def _must_pass(suite: PairedSuite, role: SuitePolicy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Items that must pass and did not, and those that do not exist."""
    scores = dict(zip(suite.item_ids, suite.candidate.scores.tolist(), strict=True))
    unknown = tuple(item for item in role.must_pass if item not in scores)
    return tuple(item for item in role.must_pass if scores.get(item, 1.0) < 1.0), unknown


def _verdict(role: SuitePolicy, sensitivity: Sensitivity, proofs: SuiteProofs, failed: tuple[str, ...]) -> Verdict:
    if not sensitivity.valid or proofs.must_pass_unknown:
        return Verdict.INVALID
    if proofs.guardrail_broken or proofs.worse or failed:
        return Verdict.BLOCK
    if proofs.better or (role.role == "general" and proofs.guardrail_held):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def _reason(
    suite: PairedSuite,
    role: SuitePolicy,
    sensitivity: Sensitivity,
    proofs: SuiteProofs,
    found: Estimate,
    p: float,
    policy: Policy,
) -> str:
    base, candidate = percent(float(suite.base.scores.mean())), percent(float(suite.candidate.scores.mean()))
    change = (
        f"{suite.result.suite} went from {base} to {candidate} "
        f"({points(found.difference)}, 95 % interval {interval(*found.ci)})"
    )
    if not sensitivity.valid:
        return "; ".join(sensitivity.reasons)
    if proofs.guardrail_broken:
        previous = _previous_score(suite)
        against = f"; the previous release had {percent(previous)}" if previous is not None else ""
        return f"{change}: a loss beyond the guardrail of {size(policy.guardrail)} is proved{against}"
    if role.role == "domain":
        if proofs.worse:
            return f"{change}: it is proved worse"
        above = f" above {size(policy.min_gain)}" if policy.min_gain else ""
        return f"{change}: a gain{above} is {'' if proofs.better else 'not '}proved ({p_value(p)})"
    held = "is" if proofs.guardrail_held else "is not"
    return f"{change}: a loss beyond the guardrail of {size(policy.guardrail)} {held} excluded ({p_value(p)})"


def _items_needed(
    suite: PairedSuite, role: SuitePolicy, proofs: SuiteProofs, found: Estimate, policy: Policy
) -> int | None:
    if role.role == "domain":
        decided, bound = proofs.better or proofs.worse, policy.min_gain
    else:
        decided, bound = proofs.guardrail_held or proofs.guardrail_broken, -policy.guardrail
    if decided:
        return None
    return more_items(suite.n, found.variance, found.difference - bound, policy.alpha)


def _slices(suite: PairedSuite) -> tuple[SliceChange, ...]:
    found = []
    for name in sorted({label for label in suite.slices if label is not None}):
        rows = [i for i, label in enumerate(suite.slices) if label == name]
        base, candidate = suite.base.scores[rows], suite.candidate.scores[rows]
        found.append(SliceChange(name, len(rows), float(base.mean()), float(candidate.mean())))
    return tuple(found)


def _nothing_paired(suite: PairedSuite, role: SuitePolicy, sensitivity: Sensitivity, policy: Policy) -> SuiteDecision:
    return SuiteDecision(
        suite=suite.result.suite,
        role=role.role,
        required=role.required,
        verdict=Verdict.INVALID,
        reason="; ".join(sensitivity.reasons),
        n=0,
        base=0.0,
        previous=None,
        candidate=0.0,
        difference=0.0,
        ci=Interval(-1.0, 1.0),
        margin=policy.min_gain if role.role == "domain" else policy.guardrail,
        p_value=1.0,
        gains=0,
        losses=0,
        items_needed=None,
        sensitivity=sensitivity,
        leaked=len(suite.leaked),
    )
