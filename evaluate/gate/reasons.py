"""The verdict's reasons and notes, in words."""

from __future__ import annotations

from collections.abc import Sequence

from assay.findings import Verdict

from ..evaluation import Evaluation
from ..wording import count, interval, names, nats, p_value, percent, points, size
from .decision import MacroDecision, SliceDecision
from .open_proofs import OpenProof, in_words
from .policy import Policy
from .suite_gate import JudgedMacro, JudgedSuite, domain_suites
from .verdict import Proofs


def reasons_for(
    verdict: Verdict,
    judged: Sequence[JudgedSuite],
    macro: JudgedMacro,
    proofs: Proofs,
    policy: Policy,
    lacking: Sequence[OpenProof],
) -> list[str]:
    """Why, most important first, for a verdict other than INVALID."""
    valid = [j for j in judged if j.decision.sensitivity.valid]
    if verdict is Verdict.BLOCK:
        return _harm(judged, macro, proofs, policy)
    if verdict is Verdict.PASS:
        domain = [j.decision.reason for j in valid if j.decision.role == "domain"]
        return [
            *domain,
            _macro_reason(macro.decision, True),
            *_divergence_reason(macro.decision, policy, "is excluded"),
        ]
    return [*_unproved(valid, macro, proofs, policy), in_words(lacking, macro.decision.n, policy)]


def _unproved(valid: Sequence[JudgedSuite], macro: JudgedMacro, proofs: Proofs, policy: Policy) -> list[str]:
    """What a PASS still lacks."""
    found = [j.decision.reason for j in domain_suites(valid) if not j.proofs.better]
    if not proofs.macro_within_margin:
        found.append(_macro_reason(macro.decision, False))
    if not proofs.guardrails_held:
        found += [j.decision.reason for j in valid if j.decision.role == "general" and not j.proofs.guardrail_held]
        found += [
            _slice_reason(j, part, "is not excluded")
            for j in valid
            for part in j.decision.guarded
            if part.verdict is not Verdict.PASS
        ]
    if not proofs.previous_held:
        found += _unproved_against_previous(valid, macro, policy)
    if not proofs.kl_held:
        found += _divergence_reason(macro.decision, policy, "is not excluded")
    if not proofs.complete:
        found.append("the planned number of items has not been scored yet")
    return found


def _harm(judged: Sequence[JudgedSuite], macro: JudgedMacro, proofs: Proofs, policy: Policy) -> list[str]:
    reasons = [
        f"{j.decision.suite}: {count(len(j.decision.must_pass_failed), 'item')} that must pass did not "
        f"({names(j.decision.must_pass_failed)})"
        for j in judged
        if j.decision.must_pass_failed
    ]
    valid = [j for j in judged if j.decision.sensitivity.valid]
    reasons += [
        j.decision.reason for j in valid if j.proofs.worse or j.proofs.guardrail_broken or j.proofs.previous_broken
    ]
    reasons += [
        _slice_reason(j, part, "is proved")
        for j in valid
        for part in j.decision.guarded
        if part.verdict is Verdict.BLOCK
    ]
    reasons += _macro_harm(macro.decision, proofs)
    if proofs.previous_loss_excessive:
        reasons.append(_previous_change(macro.decision, policy, "is proved"))
    if proofs.kl_excessive:
        reasons += _divergence_reason(macro.decision, policy, "is proved")
    return reasons


def _macro_harm(macro: MacroDecision, proofs: Proofs) -> list[str]:
    if macro.e_items is not None:
        return [
            f"{_macro_change(macro)}; that it exceeds the margin of {size(macro.margin)} "
            f"was proved after {count(macro.e_items, 'item')}"
        ]
    if not proofs.macro_within_margin and proofs.macro_loss:
        return [
            f"{_macro_change(macro)}; a loss is proved ({p_value(macro.p_loss)}), "
            f"and that it stays within {size(macro.margin)} is not ({p_value(macro.p_value)})"
        ]
    if proofs.forbidden_loss:
        return [f"{_macro_change(macro)}; a loss is proved, and the policy allows none"]
    return []


def _slice_reason(judged: JudgedSuite, part: SliceDecision, proved: str) -> str:
    return (
        f"slice {part.name} of {judged.decision.suite} went from {percent(part.base)} to {percent(part.candidate)} "
        f"on {count(part.n, 'item')} ({points(part.difference)}, 95 % interval {interval(*part.ci)}): a loss beyond "
        f"its guardrail of {size(part.guardrail or 0.0)} {proved}"
    )


def _unproved_against_previous(valid: Sequence[JudgedSuite], macro: JudgedMacro, policy: Policy) -> list[str]:
    found = []
    if macro.previous is not None and macro.previous.p_loss_within >= policy.alpha:
        found.append(_previous_change(macro.decision, policy, "is not excluded"))
    for j in domain_suites(valid):
        change = j.decision.against_previous
        if change is not None and not j.proofs.previous_held:
            found.append(
                f"{j.decision.suite}: {points(change.difference)} against the previous release (95 % interval "
                f"{interval(*change.ci)}): a loss beyond {size(policy.guardrail_of(j.role))} is not excluded"
            )
    return found


def _previous_change(macro: MacroDecision, policy: Policy, proved: str) -> str:
    change = macro.against_previous
    assert change is not None, "there is no comparison with a previous release that was not scored"
    return (
        f"against the previous release general ability changed by {points(change.difference)} on average "
        f"(95 % interval {interval(*change.ci)}, {count(change.n, 'item')}); "
        f"a loss beyond {size(policy.margin)} {proved}"
    )


def _divergence_reason(macro: MacroDecision, policy: Policy, proved: str) -> list[str]:
    if policy.max_kl is None or macro.kl is None:
        return []
    kl = macro.kl
    return [
        f"KL to the base is {nats(kl.mean)} on average (95 % interval {kl.ci.low:.3f} to {kl.ci.high:.3f}, "
        f"{count(kl.n, 'item')}); more than {policy.max_kl:g} {proved}"
    ]


def _macro_change(macro: MacroDecision) -> str:
    return (
        f"general ability changed by {points(macro.difference)} on average over {count(len(macro.suites), 'suite')} "
        f"(95 % interval {interval(*macro.ci)}, {count(macro.n, 'item')})"
    )


def _macro_reason(macro: MacroDecision, within: bool) -> str:
    proved = "is excluded" if within else "is not excluded"
    return f"{_macro_change(macro)}; a loss beyond {size(macro.margin)} {proved} ({p_value(macro.p_value)})"


def notes_on(
    evaluation: Evaluation, judged: Sequence[JudgedSuite], macro: MacroDecision | None, verdict: Verdict, policy: Policy
) -> list[str]:
    """What a reader should know besides the reasons."""
    notes = [
        f"{j.decision.suite} is optional and was set aside: " + "; ".join(j.decision.sensitivity.reasons)
        for j in judged
        if not j.decision.required and not j.decision.sensitivity.valid
    ]
    for j in judged:
        if j.decision.leaked:
            notes.append(f"{j.decision.suite}: {count(j.decision.leaked, 'item')} also in the training data, left out")
        if j.decision.sensitivity.valid and j.decision.sensitivity.missing:
            notes.append(f"{j.decision.suite}: checks not run: {names(j.decision.sensitivity.missing)}")
    notes += _open_guardrails(judged)
    if policy.question == "regression" and not domain_suites(judged):
        notes.append("general ability alone was asked about: whether the candidate is better at its task is not known")
    if policy.previous == "prove" and all(j.previous is None for j in judged):
        notes.append("no previous release was scored, so the base alone is the measure")
    notes += _notes_of(evaluation)
    if evaluation.leaks is None:
        notes.append("leaks were not checked: what the adapter was trained on is unknown")
    if verdict is Verdict.PASS and macro is not None and macro.p_loss < policy.alpha:
        notes.append(f"a small loss of general ability is proved ({p_value(macro.p_loss)}), within the margin")
    return notes


def _open_guardrails(judged: Sequence[JudgedSuite]) -> list[str]:
    """Harm that cannot be excluded, and what it would take."""
    valid = [j.decision for j in judged if j.decision.sensitivity.valid]
    suites = [
        f"{suite.suite} ({_more(suite.items_needed)})"
        for suite in valid
        if suite.role == "general" and suite.verdict is Verdict.INCONCLUSIVE
    ]
    found = [f"a loss beyond its guardrail cannot be excluded on {names(suites)}"] if suites else []
    slices = [
        f"{part.name} of {suite.suite}, {count(part.n, 'item')} ({_more(part.items_needed)})"
        for suite in valid
        for part in suite.guarded
        if part.verdict is Verdict.INCONCLUSIVE
    ]
    if slices:
        found.append(f"a loss beyond its guardrail can neither be proved nor excluded on slice {names(slices)}")
    return found


def _more(items: int | None) -> str:
    return "no reasonable number of items would" if items is None else f"about {count(items, 'more item')} would"


def _notes_of(evaluation: Evaluation) -> list[str]:
    """What the maker of the evaluation had to say of it."""
    given = evaluation.settings.get("notes")
    return [str(note) for note in given] if isinstance(given, list | tuple) else []
