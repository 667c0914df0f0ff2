"""The verdict's reasons and notes, in words."""

from __future__ import annotations

from collections.abc import Sequence

from assay.findings import Verdict

from .decision import MacroDecision
from .evaluation import Evaluation
from .policy import Policy
from .suite_gate import JudgedSuite
from .verdict import Proofs
from .wording import count, interval, names, p_value, points, size


def reasons_for(
    verdict: Verdict,
    judged: Sequence[JudgedSuite],
    macro: MacroDecision | None,
    proofs: Proofs,
    policy: Policy,
    needed: int | None,
) -> list[str]:
    """Why, most important first, for a verdict other than INVALID."""
    assert macro is not None, "without a general suite the verdict is INVALID"
    domain = [j.decision.reason for j in judged if j.decision.role == "domain" and j.decision.sensitivity.valid]
    if verdict is Verdict.BLOCK:
        return _harm(judged, macro, proofs, policy)
    if verdict is Verdict.PASS:
        return [*domain, _macro_reason(macro, True)]
    unproved = [
        j.decision.reason
        for j in judged
        if j.decision.role == "domain" and j.decision.required and j.decision.sensitivity.valid and not j.proofs.better
    ]
    if not proofs.macro_within_margin:
        unproved.append(_macro_reason(macro, False))
    if not proofs.guardrails_held:
        unproved += [j.decision.reason for j in judged if j.decision.role == "general" and not j.proofs.guardrail_held]
    if not proofs.complete:
        unproved.append("the planned number of items has not been scored yet")
    unproved.append(_needed_reason(needed, macro, policy))
    return unproved


def _harm(judged: Sequence[JudgedSuite], macro: MacroDecision, proofs: Proofs, policy: Policy) -> list[str]:
    reasons = [
        f"{j.decision.suite}: {count(len(j.decision.must_pass_failed), 'item')} that must pass did not "
        f"({names(j.decision.must_pass_failed)})"
        for j in judged
        if j.decision.must_pass_failed
    ]
    reasons += [j.decision.reason for j in judged if j.proofs.worse or j.proofs.guardrail_broken]
    if macro.e_items is not None:
        reasons.append(
            f"{_macro_change(macro)}; that it exceeds the margin of {size(macro.margin)} "
            f"was proved after {count(macro.e_items, 'item')}"
        )
    elif not proofs.macro_within_margin and proofs.macro_loss:
        reasons.append(
            f"{_macro_change(macro)}; a loss is proved ({p_value(macro.p_loss)}), "
            f"and that it stays within {size(macro.margin)} is not ({p_value(macro.p_value)})"
        )
    elif proofs.forbidden_loss:
        reasons.append(f"{_macro_change(macro)}; a loss is proved, and the policy allows none")
    return reasons


def _macro_change(macro: MacroDecision) -> str:
    return (
        f"general ability changed by {points(macro.difference)} on average over {count(len(macro.suites), 'suite')} "
        f"(95 % interval {interval(*macro.ci)}, {count(macro.n, 'item')})"
    )


def _macro_reason(macro: MacroDecision, within: bool) -> str:
    proved = "is excluded" if within else "is not excluded"
    return f"{_macro_change(macro)}; a loss beyond {size(macro.margin)} {proved} ({p_value(macro.p_value)})"


def _needed_reason(needed: int | None, macro: MacroDecision, policy: Policy) -> str:
    if needed is None:
        return "with the differences seen, no reasonable number of items would decide it"
    line = f"about {count(needed, 'more item')} of the same kind would probably decide it"
    if macro.n + needed > policy.max_items:
        line += f"; the policy's max_items is {policy.max_items:,}"
    return line


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
    open_guardrails = [
        j.decision.suite for j in judged if j.decision.role == "general" and j.decision.verdict is Verdict.INCONCLUSIVE
    ]
    if open_guardrails:
        notes.append(
            f"a loss beyond the guardrail of {size(policy.guardrail)} cannot be excluded on {names(open_guardrails)}"
        )
    notes += _notes_of(evaluation)
    if evaluation.leaks is None:
        notes.append("leaks were not checked: what the adapter was trained on is unknown")
    if verdict is Verdict.PASS and macro is not None and macro.p_loss < policy.alpha:
        notes.append(f"a small loss of general ability is proved ({p_value(macro.p_loss)}), within the margin")
    return notes


def _notes_of(evaluation: Evaluation) -> list[str]:
    """What the maker of the evaluation had to say of it."""
    given = evaluation.settings.get("notes")
    return [str(note) for note in given] if isinstance(given, list | tuple) else []
