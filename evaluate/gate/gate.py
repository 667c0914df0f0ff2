"""The release gate: a pure function of an evaluation and a policy.

Two proofs are asked for, each at `alpha`: the candidate is better on the domain suites, and on the average over the
general suites it is not worse by more than the margin. Sensitivity comes first: a suite that could not have shown a
regression proves nothing. docs/decisions/0010 and 0011 give the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assay.errors import SettingsError, did_you_mean
from assay.findings import Verdict

from ..evaluation import Evaluation
from ..rescore import Rescore
from ..scorer import rescore as stored_outputs
from ..sensitivity.chance import commonest_answer
from ..sensitivity.sensitivity import judge_sensitivity
from ..statistics.e_process import Planned
from ..statistics.items_needed import more_items, with_unseen_changes
from ..wording import names, points
from .against_previous import change_within, compare_each, compare_mean
from .comparison import Plans, differences_of, estimate_each, estimate_mean, loss_evidence
from .decision import Decision, MacroDecision
from .divergence import ItemDivergences, divergence_of, item_divergences, mean_divergence
from .in_effect import not_in_effect
from .levels import levels_of, no_loss_levels
from .limits import limits_of, with_harm
from .open_proofs import items_for_all, open_proofs
from .pairs import PairedSuite, pair
from .policy import Policy, Role, SuitePolicy
from .reasons import notes_on, reasons_for
from .suite_gate import Found, JudgedMacro, JudgedSuite, domain_suites, judge_suite
from .verdict import Proofs, macro_verdict, verdict_of


def gate(evaluation: Evaluation, policy: Policy, rescore: Rescore = stored_outputs) -> Decision:
    """The verdict with its reasons.

    rescore  scores stored outputs again for the sensitivity checks; by default with assay's own scorers
    `evaluation.settings["complete"] = False` marks an evaluation that an early-stopping loop has not finished; then
    `settings["planned"]` = {suite: {"items": [ids], "clusters": [names or None]}} says of every suite which items are
    to be scored in all. The loop scores them in the order of `e_process.schedule`, and may ask after any round: a BLOCK
    is final, since it rests on e-processes over the rounds that are whole; a PASS there is only at the planned number.

    Raises SuiteError for an evaluation that contradicts itself, SettingsError when the policy and the evaluation have
    no suite in common.
    """
    known = _known(evaluation)
    paired = pair(evaluation)
    roles, notes = _roles(policy, paired)
    judged = _judge_suites(paired, roles, policy, rescore, known)
    general = [j for j in judged if j.decision.role == "general" and j.decision.sensitivity.valid]
    bet_on = _bet_on(judged, known)
    macro = _judge_macro([j.suite for j in general], bet_on, policy, known) if general else None
    invalid = [
        *_adapter_faults(evaluation, paired),
        *_missing_suites(policy, paired),
        *_invalid_suites(judged, policy),
        *_divergence_unknown(macro, policy),
    ]
    proofs = _proofs(bool(invalid), judged, bet_on, macro, policy, known)
    verdict = verdict_of(proofs)
    lacking = open_proofs(judged, macro, proofs, policy) if verdict is Verdict.INCONCLUSIVE else []
    return Decision(
        verdict=verdict,
        reasons=tuple(
            [*invalid, *_proved_harm(judged)]
            if invalid or macro is None
            else reasons_for(verdict, judged, macro, proofs, policy, lacking)
        ),
        notes=(
            *notes,
            *notes_on(evaluation, judged, macro.decision if macro else None, verdict, policy),
        ),
        suites=tuple(j.decision for j in judged),
        macro=replace(macro.decision, verdict=macro_verdict(proofs)) if macro is not None else None,
        items_needed=items_for_all(lacking),
    )


@dataclass(frozen=True)
class _Known:
    """What an evaluation says beside its pairs.

    plans   of an early-stopping loop that has not finished
    looked  such a loop asks, or has asked, before the planned number of items
    """

    divergences: ItemDivergences
    plans: Plans
    complete: bool
    looked: bool


def _known(evaluation: Evaluation) -> _Known:
    complete = evaluation.settings.get("complete", True) is not False
    looked = not complete or bool(evaluation.settings.get("stopping"))
    return _Known(item_divergences(evaluation.items), {} if complete else _plans(evaluation), complete, looked)


def _plans(evaluation: Evaluation) -> Plans:
    """Leaks are known before anything is scored, and are left out of the bets as of all else."""
    planned = evaluation.settings.get("planned")
    leaked = {(leak.suite, leak.item_id) for leak in evaluation.leaks or ()}
    found = {}
    for suite, items in planned.items() if isinstance(planned, Mapping) else ():
        clusters = items.get("clusters") or [None] * len(items["items"])
        kept = [i for i, item in enumerate(items["items"]) if (suite, item) not in leaked]
        found[suite] = Planned(suite, [items["items"][i] for i in kept], [clusters[i] for i in kept])
    return found


def _roles(policy: Policy, paired: dict[str, PairedSuite]) -> tuple[dict[str, SuitePolicy], list[str]]:
    """What each scored suite is for, and what must be said about suites that only one side knows."""
    if not policy.suites:
        roles = {name: SuitePolicy(_role_of_kind(suite)) for name, suite in paired.items()}
        assumed = names([f"{name} ({suite.role})" for name, suite in roles.items()])
        return roles, [f"the policy names no suites; roles were taken from their kind: {assumed}"]
    known = {name: suite for name, suite in policy.suites.items() if name in paired}
    if not known:
        raise SettingsError(
            f"the policy names {names(sorted(policy.suites))}, none of which was scored",
            fix=did_you_mean(next(iter(policy.suites)), paired),
        )
    strangers = [name for name in paired if name not in policy.suites]
    optional = [name for name, suite in policy.suites.items() if name not in paired and not suite.required]
    notes = [f"scored, but not in the policy and so not judged: {names(strangers)}"] if strangers else []
    if optional:
        notes.append(f"optional and not scored: {names(optional)}")
    return known, notes


def _role_of_kind(suite: PairedSuite) -> Role:
    """Tasks of lm-eval are general, so are suites that say so, and those that come with assay."""
    from assay.suites.general import TIERS, general_names

    if suite.result.kind != "suite" or any(suite.result.suite in general_names(tier) for tier in TIERS):
        return "general"
    return "domain"


def _judge_suites(
    paired: dict[str, PairedSuite], roles: dict[str, SuitePolicy], policy: Policy, rescore: Rescore, known: _Known
) -> list[JudgedSuite]:
    """Sensitivity of all, then what is proved about each; the levels of harm are shared by the valid ones."""
    sensitivity = {
        name: judge_sensitivity(
            paired[name], role.role, rescore, alpha=policy.alpha, missing_fails=policy.on_missing_check == "fail"
        )
        for name, role in roles.items()
    }
    scored = [name for name in roles if paired[name].n]
    suites, guardrails = [paired[name] for name in scored], [policy.guardrail_of(roles[name]) for name in scored]
    differences = [differences_of(suite.differences, suite.clusters) for suite in suites]
    base = dict(zip(scored, estimate_each(differences, guardrails), strict=True))
    previous = dict(zip(scored, compare_each(suites, guardrails), strict=True))
    counted = [name for name in roles if sensitivity[name].valid or not known.complete]
    of_counted = {name: roles[name] for name in counted}
    levels = levels_of(policy, of_counted, against_both=any(previous.values()), looked=known.looked)
    return [
        judge_suite(
            paired[name],
            role,
            sensitivity[name],
            Found(
                base.get(name),
                previous.get(name),
                known.divergences,
                known.plans,
                known.complete,
                commonest_answer(paired[name], rescore) if role.role == "domain" else None,
            ),
            policy,
            levels,
        )
        for name, role in roles.items()
    ]


def _bet_on(judged: Sequence[JudgedSuite], known: _Known) -> list[PairedSuite]:
    """The general suites of the e-process: the same at each look, whatever a suite could show so far.

    They are the required ones, whose validity the verdict rests on anyway. Where none is required, they are the valid
    ones at the planned number, and none before it: which are valid may change from look to look, and the bet with it.
    """
    general = [j for j in judged if j.decision.role == "general"]
    required = [j.suite for j in general if j.decision.required and (j.suite.n or j.decision.suite in known.plans)]
    if required or not known.complete:
        return required
    return [j.suite for j in general if j.decision.sensitivity.valid]


def _judge_macro(
    suites: Sequence[PairedSuite], bet_on: Sequence[PairedSuite], policy: Policy, known: _Known
) -> JudgedMacro:
    found = estimate_mean([differences_of(suite.differences, suite.clusters) for suite in suites], policy.margin)
    alternative = min(0.99, 2 * policy.margin)
    e_value, e_items = loss_evidence(bet_on, policy.margin, alternative, policy.alpha, known.plans)
    n = sum(suite.n for suite in suites)
    variance = with_unseen_changes(n, found.variance)
    needed = more_items(n, variance, found.difference + policy.margin, policy.alpha)
    previous = compare_mean(suites, policy.margin)
    guarded = policy.alpha if known.complete and policy.previous != "ignore" else 0.0
    limits = limits_of(found, policy.margin, policy.alpha)
    if known.complete:
        limits = with_harm(limits, found, 0.0, found.p_loss, no_loss_levels(policy).late)
    measured = [one for suite in suites if (one := divergence_of(suite, known.divergences)) is not None]
    kl = mean_divergence(measured)
    decision = MacroDecision(
        suites=tuple(suite.result.suite for suite in suites),
        n=n,
        difference=found.difference,
        ci=found.ci,
        margin=policy.margin,
        p_value=found.p_loss_within,
        p_loss=found.p_loss,
        e_value=e_value,
        e_items=e_items,
        items_needed=needed if found.p_loss_within >= policy.alpha else None,
        kl=kl,
        kl_limits=kl.limits(policy.alpha) if kl is not None else None,
        against_previous=change_within(previous, policy.margin, policy.alpha, guarded)
        if previous is not None
        else None,
        limits=limits,
    )
    return JudgedMacro(decision, previous.found if previous is not None else None)


def _proofs(
    invalid: bool,
    judged: Sequence[JudgedSuite],
    bet_on: Sequence[PairedSuite],
    macro: JudgedMacro | None,
    policy: Policy,
    known: _Known,
) -> Proofs:
    valid = [j for j in judged if j.decision.sensitivity.valid]
    domain = [j for j in valid if j.decision.role == "domain"]
    required = domain_suites(judged)
    general = [j for j in valid if j.decision.role == "general"]
    if macro is None:
        return Proofs(invalid=invalid, complete=known.complete)
    decision, complete = macro.decision, known.complete
    previous = macro.previous if policy.previous != "ignore" and complete else None
    proved_against_previous = (previous is None or previous.p_loss_within < policy.alpha) and all(
        j.proofs.previous_held for j in required
    )
    held = all(j.proofs.guardrail_held for j in general) and all(j.proofs.slices.held for j in [*domain, *general])
    return Proofs(
        invalid=invalid,
        must_pass_failed=any(j.decision.must_pass_failed for j in judged),
        macro_loss_excessive=decision.e_items is not None,
        guardrail_broken=any(j.proofs.guardrail_broken or j.proofs.previous_broken for j in judged),
        slice_broken=any(j.proofs.slices.broken for j in judged),
        domain_worse=any(j.proofs.worse for j in domain),
        previous_loss_excessive=previous is not None and previous.p_loss_beyond < policy.alpha,
        score_missed=any(j.least is not None and j.least.missed for j in valid),
        kl_excessive=complete and _divergence_above(decision, policy),
        forbidden_loss=_forbidden_loss(bet_on, decision, policy, known),
        complete=complete,
        domain_better=(bool(required) or policy.question == "regression") and all(j.proofs.better for j in required),
        macro_within_margin=decision.p_value < policy.alpha,
        scores_met=all(j.least is None or j.least.met for j in valid),
        guardrails_held=not policy.require_guardrail_proof or held,
        previous_held=policy.previous != "prove" or proved_against_previous,
        kl_held=_divergence_below(decision, policy),
        macro_loss=complete and decision.p_loss < no_loss_levels(policy).late,
    )


def _divergence_above(macro: MacroDecision, policy: Policy) -> bool:
    """A divergence from the base beyond what the policy allows is proved."""
    if policy.max_kl is None or macro.kl is None:
        return False
    return macro.kl.p_above(policy.max_kl) < policy.alpha


def _divergence_below(macro: MacroDecision, policy: Policy) -> bool:
    """It is excluded, or the policy allows any."""
    if policy.max_kl is None:
        return True
    return macro.kl is not None and macro.kl.p_below(policy.max_kl) < policy.alpha


def _forbidden_loss(bet_on: Sequence[PairedSuite], macro: MacroDecision, policy: Policy, known: _Known) -> bool:
    """A loss of any size is proved, early by an e-process that is tuned to a loss of twice the margin, or at last."""
    if not policy.block_on_any_proved_loss:
        return False
    levels = no_loss_levels(policy)
    if known.complete and macro.p_loss < levels.late:
        return True
    return loss_evidence(bet_on, 0.0, min(0.99, 2 * policy.margin), levels.early, known.plans)[1] is not None


def _adapter_faults(evaluation: Evaluation, paired: dict[str, PairedSuite]) -> list[str]:
    """Why the candidate is not there: its scores would be the base's."""
    evidence = evaluation.evidence.get("candidate")
    if evidence is None:
        return ["nothing shows that the adapter was loaded"]
    if not evidence.finite:
        return ["the adapter's weights are not finite"]
    if not evidence.nonzero:
        return ["the adapter is all zeros, so the candidate is the base"]
    if evidence.max_logit_difference == 0:
        return ["the adapter moves no logit, so it is not really there"]
    absent = not_in_effect(paired.values())
    return [absent] if absent is not None else []


def _missing_suites(policy: Policy, paired: dict[str, PairedSuite]) -> list[str]:
    missing = [name for name, suite in policy.suites.items() if suite.required and name not in paired]
    return [f"required, but not scored: {names(missing)}"] if missing else []


def _invalid_suites(judged: Sequence[JudgedSuite], policy: Policy) -> list[str]:
    """Required suites that could not have shown a regression, and roles that no valid suite is left for."""
    found = [
        f"{j.decision.suite} could not have shown a {'gain' if j.decision.role == 'domain' else 'regression'}: "
        + "; ".join(j.decision.sensitivity.reasons)
        for j in judged
        if j.decision.required and not j.decision.sensitivity.valid
    ]
    found += [
        f"{j.decision.suite} has no item '{item}', which must pass"
        for j in judged
        for item in j.proofs.must_pass_unknown
    ]
    found += [
        f"{j.decision.suite} has no slice '{name}', which the policy guards{_meant(name, j)}"
        for j in judged
        for name in j.proofs.slices.unknown
    ]
    if found:
        return found
    valid = {j.decision.role for j in judged if j.decision.sensitivity.valid}
    if "domain" not in valid and policy.question == "release":
        found.append("no domain suite was judged, so nothing shows that the candidate is better at its task")
    if "general" not in valid:
        found.append("no general suite was judged, so nothing shows that general ability was kept")
    return found


def _meant(name: str, judged: JudgedSuite) -> str:
    meant = did_you_mean(name, [part.name for part in judged.decision.slices])
    return f"; {meant}" if meant else ""


def _divergence_unknown(macro: JudgedMacro | None, policy: Policy) -> list[str]:
    if policy.max_kl is None or macro is None or macro.decision.kl is not None:
        return []
    return [
        "the policy limits the divergence from the base, and it was measured on no general suite (it takes multiple "
        "choice with the likelihoods of all options)"
    ]


def _proved_harm(judged: Sequence[JudgedSuite]) -> list[str]:
    """What is known although there is no verdict: a ruined model should not be looked for in the suites alone."""
    harmed = [f"{j.decision.suite} ({points(j.decision.difference)})" for j in judged if j.proofs.guardrail_broken]
    return (
        [f"what the other suites prove all the same: a loss beyond the guardrail on {names(harmed)}"] if harmed else []
    )
