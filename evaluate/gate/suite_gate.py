"""What is proved about one suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.findings import Verdict

from ..sensitivity.chance import Commonest
from ..sensitivity.sensitivity import Sensitivity
from ..statistics.intervals import Interval
from ..statistics.items_needed import more_items, with_unseen_changes
from ..statistics.one_sided import superiority_limit
from ..statistics.paired_tests import superiority
from ..wording import count, names, p_value, percent, points
from .against_constant import compare_constant, in_words, items_to_beat
from .against_previous import PreviousComparison, change_within
from .comparison import Estimate, Plans, loss_evidence
from .decision import Change, ConstantAnswer, LeastScore, MacroDecision, SuiteDecision
from .divergence import ItemDivergences, divergence_of
from .least_score import in_words as least_in_words
from .least_score import judge_least
from .levels import Levels
from .limits import Limits, limits_of, with_harm
from .pairs import PairedSuite
from .policy import Policy, SuitePolicy
from .policy_words import asked_of, at_best, at_worst, loss
from .slice_gate import NO_SLICES, SliceProofs, judge_slices


@dataclass(frozen=True)
class SuiteProofs:
    """better            a gain above min_gain is proved, and that one answer to everything scores less (domain)
    worse             a loss is proved (domain)
    guardrail_broken  a loss beyond the guardrail is proved, against the base
    previous_broken   and against the last release
    guardrail_held    a loss beyond the guardrail is excluded
    previous_held     also against the last release, or there is none
    score_met         a score above the least that the policy asks for is proved, or it asks for none
    score_missed      a score below it is proved
    must_pass_unknown items that must pass but do not exist
    """

    better: bool = False
    worse: bool = False
    guardrail_broken: bool = False
    previous_broken: bool = False
    guardrail_held: bool = False
    previous_held: bool = True
    score_met: bool = True
    score_missed: bool = False
    must_pass_unknown: tuple[str, ...] = ()
    slices: SliceProofs = NO_SLICES

    @property
    def harm(self) -> bool:
        broken = self.guardrail_broken or self.previous_broken or bool(self.slices.broken)
        return self.worse or broken or self.score_missed


@dataclass(frozen=True)
class JudgedSuite:
    """One suite with its numbers and what they prove. previous: the difference from the last release."""

    suite: PairedSuite
    role: SuitePolicy
    decision: SuiteDecision
    proofs: SuiteProofs
    previous: Estimate | None = None

    @property
    def least(self) -> LeastScore | None:
        return self.decision.least


def domain_suites(judged: Sequence[JudgedSuite]) -> list[JudgedSuite]:
    """Those on which a PASS needs a gain: the required ones that are valid, and where none is required, all."""
    domain = [j for j in judged if j.decision.role == "domain" and j.decision.sensitivity.valid]
    return [j for j in domain if j.decision.required] or domain


@dataclass(frozen=True)
class JudgedMacro:
    """The average over the general suites. previous: its difference from the last release, None where that was not
    scored on each."""

    decision: MacroDecision
    previous: Estimate | None


@dataclass(frozen=True)
class Found:
    """What is known of all suites before one is judged.

    base      the difference from the base, held against the guardrail; None where no item was answered by both
    previous  the difference from the last release; None where it was not scored
    commonest the answer that most items of a domain suite expect, where two expect the same
    """

    base: Estimate | None
    previous: PreviousComparison | None
    divergences: ItemDivergences
    plans: Plans
    complete: bool
    commonest: Commonest | None = None


def judge_suite(
    suite: PairedSuite, role: SuitePolicy, sensitivity: Sensitivity, found: Found, policy: Policy, levels: Levels
) -> JudgedSuite:
    """The numbers of one suite and what they prove."""
    failed, unknown = _must_pass(suite, role)
    unknown = unknown if found.complete else ()
    if found.base is None:
        nothing = _nothing_paired(suite, role, sensitivity, policy)
        return JudgedSuite(suite, role, nothing, SuiteProofs(must_pass_unknown=unknown))
    p_better = superiority(suite.candidate.scores, suite.base.scores, suite.clusters, policy.min_gain_of(role))
    constant = compare_constant(suite, found.commonest, policy.alpha)
    previous = _previous(role, found, policy, levels)
    limits = _limits(suite, role, found.base, policy, levels, complete=found.complete)
    p_beaten = 0.0 if constant is None else constant.p_value
    slices, slice_proofs = judge_slices(
        suite, role, policy, levels.part, valid=sensitivity.valid, complete=found.complete
    )
    least = judge_least(
        suite, policy.min_score_of(role), policy.alpha, levels.least, complete=found.complete and sensitivity.valid
    )
    better = role.role == "domain" and found.complete and max(p_better, p_beaten) < policy.alpha
    proofs = _proofs(suite, role, sensitivity, found, found.base, policy, levels, better, unknown, slice_proofs)
    if least is not None:
        proofs = replace(proofs, score_met=least.met, score_missed=least.missed)
    p = p_better if role.role == "domain" else found.base.p_loss_within
    return JudgedSuite(
        suite,
        role,
        SuiteDecision(
            suite=suite.result.suite,
            role=role.role,
            required=role.required,
            verdict=_verdict(role, sensitivity, proofs, failed),
            reason=_reason(suite, role, sensitivity, proofs, failed, found, p, constant, least, limits, policy, levels),
            n=suite.n,
            base=float(suite.base.scores.mean()),
            previous=previous.previous if previous is not None else None,
            candidate=float(suite.candidate.scores.mean()),
            difference=found.base.difference,
            ci=found.base.ci,
            margin=policy.min_gain_of(role) if role.role == "domain" else policy.guardrail_of(role),
            p_value=p,
            gains=int((suite.differences > 0).sum()),
            losses=int((suite.differences < 0).sum()),
            items_needed=_with_score(_items_needed(suite, role, proofs, found, found.base, p, policy), proofs, least),
            sensitivity=sensitivity,
            slices=slices,
            must_pass_failed=failed,
            leaked=len(suite.leaked),
            answers_changed=_answers_changed(suite),
            kl=divergence_of(suite, found.divergences),
            against_previous=previous,
            constant=constant,
            limits=limits,
            graded=_graded(suite),
            least=least,
        ),
        proofs,
        found.previous.found if found.previous is not None else None,
    )


def _proofs(
    suite: PairedSuite,
    role: SuitePolicy,
    sensitivity: Sensitivity,
    found: Found,
    base: Estimate,
    policy: Policy,
    levels: Levels,
    better: bool,
    unknown: tuple[str, ...],
    slices: SliceProofs,
) -> SuiteProofs:
    complete = found.complete
    previous = found.previous.found if found.previous is not None and policy.previous != "ignore" else None
    return SuiteProofs(
        better=better,
        worse=role.role == "domain" and _domain_worse(suite, policy, levels, found),
        guardrail_broken=sensitivity.valid and _guardrail_broken(suite, role, base, policy, levels, found),
        previous_broken=sensitivity.valid
        and complete
        and previous is not None
        and previous.p_loss_beyond < levels.previous,
        guardrail_held=complete and base.p_loss_within < policy.alpha,
        previous_held=previous is None or (complete and previous.p_loss_within < policy.alpha),
        must_pass_unknown=unknown,
        slices=slices,
    )


def _guardrail_broken(
    suite: PairedSuite, role: SuitePolicy, base: Estimate, policy: Policy, levels: Levels, found: Found
) -> bool:
    """At the planned number by the score test; before it by an e-process, which may be looked at any time."""
    if found.complete:
        return base.p_loss_beyond < levels.suite.late
    guardrail = policy.guardrail_of(role)
    alternative = min(0.99, 2 * max(guardrail, policy.margin))
    return loss_evidence([suite], guardrail, alternative, levels.suite.early, found.plans)[1] is not None


def _domain_worse(suite: PairedSuite, policy: Policy, levels: Levels, found: Found) -> bool:
    if found.complete:
        return superiority(suite.base.scores, suite.candidate.scores, suite.clusters) < levels.domain.late
    return loss_evidence([suite], 0.0, policy.guardrail, levels.domain.early, found.plans)[1] is not None


def _limits(
    suite: PairedSuite, role: SuitePolicy, base: Estimate, policy: Policy, levels: Levels, *, complete: bool
) -> Limits:
    """Each from the test that makes the proof: of a gain on a domain suite that is another than of a loss."""
    limits = limits_of(base, policy.guardrail_of(role), policy.alpha)
    if role.role == "domain":
        scores = (suite.candidate.scores, suite.base.scores, suite.clusters)
        limits = replace(limits, at_worst=superiority_limit(*scores, policy.alpha, policy.min_gain_of(role)))
    if complete:
        return with_harm(limits, base, policy.guardrail_of(role), base.p_loss_beyond, levels.suite.late)
    return limits


def _previous(role: SuitePolicy, found: Found, policy: Policy, levels: Levels) -> Change | None:
    if found.previous is None:
        return None
    harm_level = levels.previous if found.complete and policy.previous != "ignore" else 0.0
    return change_within(found.previous, policy.guardrail_of(role), policy.alpha, harm_level)


def _graded(suite: PairedSuite) -> int:
    """Items for which one of the two has neither full credit nor none."""
    partial = [(scores > 0) & (scores < 1) for scores in (suite.base.scores, suite.candidate.scores)]
    return int((partial[0] | partial[1]).sum())


def _answers_changed(suite: PairedSuite) -> int:
    pairs = zip(suite.base.outputs, suite.candidate.outputs, strict=True)
    return sum(base != candidate for base, candidate in pairs)


def _must_pass(suite: PairedSuite, role: SuitePolicy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Items that must pass and did not, and those that do not exist."""
    scores = dict(zip(suite.item_ids, suite.candidate.scores.tolist(), strict=True))
    unknown = tuple(item for item in role.must_pass if item not in scores)
    return tuple(item for item in role.must_pass if scores.get(item, 1.0) < 1.0), unknown


def _verdict(role: SuitePolicy, sensitivity: Sensitivity, proofs: SuiteProofs, failed: tuple[str, ...]) -> Verdict:
    if not sensitivity.valid or proofs.must_pass_unknown or proofs.slices.unknown:
        return Verdict.INVALID
    if proofs.harm or failed:
        return Verdict.BLOCK
    if proofs.score_met and (proofs.better or (role.role == "general" and proofs.guardrail_held)):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def _reason(
    suite: PairedSuite,
    role: SuitePolicy,
    sensitivity: Sensitivity,
    proofs: SuiteProofs,
    failed: tuple[str, ...],
    found: Found,
    p: float,
    constant: ConstantAnswer | None,
    least: LeastScore | None,
    limits: Limits,
    policy: Policy,
    levels: Levels,
) -> str:
    """In the words of the policy, with the limit of the very proof: at worst of what is excluded, at best of harm."""
    name, candidate = suite.result.suite, percent(float(suite.candidate.scores.mean()))
    guardrail = loss("guardrail", policy.guardrail_of(role))
    change = f"{name} went from {percent(float(suite.base.scores.mean()))} to {candidate}"
    difference = points(float(suite.differences.mean()))
    if not sensitivity.valid:
        return "; ".join(sensitivity.reasons)
    if proofs.must_pass_unknown:
        return f"{name} has no item {names(proofs.must_pass_unknown)}, which must pass"
    if proofs.slices.unknown:
        return f"{name} has no slice {names(proofs.slices.unknown)}, which the policy guards"
    if proofs.guardrail_broken:
        return f"{change} ({difference}{at_best(limits.harm)}): {guardrail} is proved"
    if proofs.previous_broken and found.previous is not None:
        before, of_change = found.previous.change, _previous(role, found, policy, levels)
        best = at_best(of_change.limits.harm) if of_change is not None and of_change.limits is not None else ""
        return (
            f"{name}: the previous release had {percent(before.previous or 0.0)}, the candidate has {candidate} "
            f"({points(before.difference)}{best}): {guardrail} is proved"
        )
    if proofs.worse:
        best = at_best(_at_best_of_domain(suite, levels) if found.complete else None)
        return f"{change} ({difference}{best}): a loss is proved"
    if failed:
        return f"{change} ({difference}): {count(len(failed), 'item')} that must pass did not ({names(failed)})"
    if proofs.slices.broken:
        return f"{change} ({difference}): a loss beyond its guardrail is proved on slice {names(proofs.slices.broken)}"
    if least is not None and least.missed:
        return f"{change} ({difference}): {least_in_words(least)}"
    change = f"{change} ({difference}{at_worst(limits.at_worst)})"
    also = "" if least is None else f"; {least_in_words(least)}"
    if role.role == "domain":
        gained = found.complete and p < policy.alpha
        but = f", but {in_words(constant)}" if gained and not proofs.better and constant is not None else ""
        asked = asked_of("domain", policy.min_gain_of(role))
        return f"{change}: {asked} is {'' if gained else 'not '}proved ({p_value(p)}){but}{also}"
    held = "is" if proofs.guardrail_held else "is not"
    return f"{change}: {guardrail} {held} excluded ({p_value(p)}){also}"


def _at_best_of_domain(suite: PairedSuite, levels: Levels) -> float:
    """Of the proof that it is worse, at its level."""
    return -superiority_limit(suite.base.scores, suite.candidate.scores, suite.clusters, levels.domain.late)


def _items_needed(
    suite: PairedSuite, role: SuitePolicy, proofs: SuiteProofs, found: Found, base: Estimate, p: float, policy: Policy
) -> int | None:
    """Of a domain suite the more of two, where both the gain and one constant answer are to be decided."""
    variance = with_unseen_changes(suite.n, base.variance)
    if role.role == "general":
        if proofs.guardrail_held or proofs.guardrail_broken:
            return None
        return more_items(suite.n, variance, base.difference + policy.guardrail_of(role), policy.alpha)
    if proofs.better or proofs.worse:
        return None
    needed = []
    if p >= policy.alpha:
        needed.append(more_items(suite.n, variance, base.difference - policy.min_gain_of(role), policy.alpha))
    if found.commonest is not None:
        needed.append(items_to_beat(suite, found.commonest, policy.alpha))
    return None if None in needed else max((items for items in needed if items is not None), default=None)


def _with_score(items: int | None, proofs: SuiteProofs, least: LeastScore | None) -> int | None:
    """The more of two, where a least score is to be decided as well. items: for the proof of the suite's role"""
    if least is None or not least.open:
        return items
    if items is None and not (proofs.better or proofs.guardrail_held):
        return None
    return None if least.items_needed is None else max(items or 0, least.items_needed)


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
        margin=policy.min_gain_of(role) if role.role == "domain" else policy.guardrail_of(role),
        p_value=1.0,
        gains=0,
        losses=0,
        items_needed=None,
        sensitivity=sensitivity,
        leaked=len(suite.leaked),
    )
