"""The release gate: a pure function of an evaluation and a policy.

Two proofs are asked for, each at `alpha`: the candidate is better on the domain suites, and on the average over the
general suites it is not worse by more than the margin. Sensitivity comes first: a suite that could not have shown a
regression proves nothing. docs/decisions/0010 and 0011 give the reasons.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.errors import SettingsError, did_you_mean
from assay.findings import Verdict

from .comparison import differences_of, estimate_each, estimate_mean, loss_evidence
from .decision import Decision, MacroDecision
from .evaluation import Evaluation
from .items_needed import more_items
from .pairs import PairedSuite, pair
from .policy import Policy, SuitePolicy
from .reasons import notes_on, reasons_for
from .rescore import Rescore
from .scorer import rescore as stored_outputs
from .sensitivity import judge_sensitivity
from .suite_gate import JudgedSuite, judge_suite
from .verdict import Proofs, verdict_of
from .wording import names, points


def gate(evaluation: Evaluation, policy: Policy, rescore: Rescore = stored_outputs) -> Decision:
    """The verdict with its reasons.

    rescore  scores stored outputs again for the sensitivity checks; by default with assay's own scorers
    `evaluation.settings["complete"] = False` marks an evaluation that an early-stopping loop has not finished.

    Raises SuiteError for an evaluation that contradicts itself, SettingsError when the policy and the evaluation have
    no suite in common.
    """
    complete = evaluation.settings.get("complete", True) is not False
    paired = pair(evaluation)
    roles, notes = _roles(policy, paired)
    judged = _judge_suites(paired, roles, policy, rescore, complete)
    invalid = [*_adapter_faults(evaluation), *_missing_suites(policy, paired), *_invalid_suites(judged)]
    general = [j for j in judged if j.decision.role == "general" and j.decision.sensitivity.valid]
    macro = _judge_macro([j.suite for j in general], policy) if general else None
    proofs = _proofs(bool(invalid), judged, macro, policy, complete)
    verdict = verdict_of(proofs)
    needed = _items_needed(judged, macro, proofs) if verdict is Verdict.INCONCLUSIVE else None
    return Decision(
        verdict=verdict,
        reasons=tuple(
            [*invalid, *_proved_harm(judged)]
            if invalid
            else reasons_for(verdict, judged, macro, proofs, policy, needed)
        ),
        notes=(*notes, *notes_on(evaluation, judged, macro, verdict, policy)),
        suites=tuple(j.decision for j in judged),
        macro=macro,
        items_needed=needed,
    )


def _roles(policy: Policy, paired: dict[str, PairedSuite]) -> tuple[dict[str, SuitePolicy], list[str]]:
    """What each scored suite is for, and what must be said about suites that only one side knows."""
    if not policy.suites:
        roles = {
            name: SuitePolicy("domain" if suite.result.kind == "suite" else "general") for name, suite in paired.items()
        }
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


def _judge_suites(
    paired: dict[str, PairedSuite],
    roles: dict[str, SuitePolicy],
    policy: Policy,
    rescore: Rescore,
    complete: bool,
) -> list[JudgedSuite]:
    """Sensitivity of all, then what is proved about each; the level of harm is shared by the valid ones."""
    sensitivity = {
        name: judge_sensitivity(
            paired[name], role.role, rescore, alpha=policy.alpha, missing_fails=policy.on_missing_check == "fail"
        )
        for name, role in roles.items()
    }
    harm_alpha = policy.alpha / max(1, sum(judged.valid for judged in sensitivity.values()))
    scored = [name for name in roles if paired[name].n]
    differences = [differences_of(paired[name].differences, paired[name].clusters) for name in scored]
    found = dict(zip(scored, estimate_each(differences, policy.guardrail), strict=True))
    return [
        judge_suite(paired[name], role, sensitivity[name], found.get(name), policy, harm_alpha, complete)
        for name, role in roles.items()
    ]


def _judge_macro(suites: Sequence[PairedSuite], policy: Policy) -> MacroDecision:
    found = estimate_mean([differences_of(suite.differences, suite.clusters) for suite in suites], policy.margin)
    e_value, e_items = loss_evidence(suites, policy.margin, min(0.99, 2 * policy.margin), policy.alpha)
    n = sum(suite.n for suite in suites)
    needed = more_items(n, found.variance, found.difference + policy.margin, policy.alpha)
    return MacroDecision(
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
    )


def _proofs(
    invalid: bool, judged: Sequence[JudgedSuite], macro: MacroDecision | None, policy: Policy, complete: bool
) -> Proofs:
    domain = [j for j in judged if j.decision.role == "domain" and j.decision.sensitivity.valid]
    required = [j for j in domain if j.decision.required] or domain
    general = [j for j in judged if j.decision.role == "general" and j.decision.sensitivity.valid]
    loss = macro is not None and complete and macro.p_loss < policy.alpha
    return Proofs(
        invalid=invalid,
        must_pass_failed=any(j.decision.must_pass_failed for j in judged),
        macro_loss_excessive=macro is not None and macro.e_items is not None,
        guardrail_broken=any(j.proofs.guardrail_broken for j in judged),
        domain_worse=any(j.proofs.worse for j in domain),
        forbidden_loss=_forbidden_loss(general, macro, policy, complete),
        complete=complete,
        domain_better=bool(required) and all(j.proofs.better for j in required),
        macro_within_margin=macro is not None and macro.p_value < policy.alpha,
        guardrails_held=not policy.require_guardrail_proof or all(j.proofs.guardrail_held for j in general),
        macro_loss=loss,
    )


def loss_levels(policy: Policy) -> tuple[float, float]:
    """How a policy that forbids any loss spends its alpha: on the e-process, and on the test at the planned number."""
    return 0.8 * policy.alpha, 0.2 * policy.alpha


def _forbidden_loss(
    general: Sequence[JudgedSuite], macro: MacroDecision | None, policy: Policy, complete: bool
) -> bool:
    """A loss of any size is proved, early by an e-process that is tuned to a loss of twice the margin, or at last."""
    if not policy.block_on_any_proved_loss or macro is None:
        return False
    early, late = loss_levels(policy)
    if complete and macro.p_loss < late:
        return True
    return loss_evidence([j.suite for j in general], 0.0, min(0.99, 2 * policy.margin), early)[1] is not None


def _adapter_faults(evaluation: Evaluation) -> list[str]:
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
    return []


def _missing_suites(policy: Policy, paired: dict[str, PairedSuite]) -> list[str]:
    missing = [name for name, suite in policy.suites.items() if suite.required and name not in paired]
    return [f"required, but not scored: {names(missing)}"] if missing else []


def _invalid_suites(judged: Sequence[JudgedSuite]) -> list[str]:
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
    if found:
        return found
    valid = {j.decision.role for j in judged if j.decision.sensitivity.valid}
    if "domain" not in valid:
        found.append("no domain suite was judged, so nothing shows that the candidate is better at its task")
    if "general" not in valid:
        found.append("no general suite was judged, so nothing shows that general ability was kept")
    return found


def _proved_harm(judged: Sequence[JudgedSuite]) -> list[str]:
    """What is known although there is no verdict: a ruined model should not be looked for in the suites alone."""
    harmed = [f"{j.decision.suite} ({points(j.decision.difference)})" for j in judged if j.proofs.guardrail_broken]
    return (
        [f"what the other suites prove all the same: a loss beyond the guardrail on {names(harmed)}"] if harmed else []
    )


def _items_needed(judged: Sequence[JudgedSuite], macro: MacroDecision | None, proofs: Proofs) -> int | None:
    """The most that any open proof still needs; None where no number of items would decide one of them."""
    open_proofs = [
        j.decision.items_needed
        for j in judged
        if j.decision.role == "domain" and j.decision.required and not j.proofs.better and j.decision.sensitivity.valid
    ]
    if macro is not None and not proofs.macro_within_margin:
        open_proofs.append(macro.items_needed)
    if not proofs.guardrails_held:
        open_proofs += [j.decision.items_needed for j in judged if not j.proofs.guardrail_held]
    if not open_proofs or None in open_proofs:
        return None
    return max(items for items in open_proofs if items is not None)
