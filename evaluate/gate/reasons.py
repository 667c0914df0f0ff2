"""The verdict's reasons and notes, in words."""

from __future__ import annotations

from collections.abc import Sequence

from assay.findings import Verdict

from ..evaluation import Evaluation
from ..wording import count, names, nats, p_value, percent, points
from .decision import Change, MacroDecision, SliceDecision, SuiteDecision
from .least_score import in_words as least_in_words
from .limits import Limits
from .open_proofs import OpenProof, in_words
from .policy import Policy
from .policy_words import at_best, at_worst, loss
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
        domain = [j.decision.reason for j in valid if j.decision.role == "domain" or j.least is not None]
        return [
            *domain,
            _macro_reason(macro.decision, True),
            *_divergence_reason(macro.decision, policy, "is excluded"),
        ]
    return [*_unproved(valid, macro, proofs, policy), in_words(lacking, macro.decision.n, policy)]


def _unproved(valid: Sequence[JudgedSuite], macro: JudgedMacro, proofs: Proofs, policy: Policy) -> list[str]:
    """What a PASS still lacks."""
    found = [j.decision.reason for j in domain_suites(valid) if not j.proofs.better]
    found += [j.decision.reason for j in valid if not j.proofs.score_met and j.decision.reason not in found]
    if not proofs.macro_within_margin:
        found.append(_macro_reason(macro.decision, False))
    if not proofs.guardrails_held:
        general = [j.decision.reason for j in valid if j.decision.role == "general" and not j.proofs.guardrail_held]
        found += [reason for reason in general if reason not in found]
        found += [
            _slice_unproved(j, part) for j in valid for part in j.decision.guarded if part.verdict is not Verdict.PASS
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
    reasons += [_score_missed(j) for j in valid if j.proofs.score_missed]
    reasons += [_slice_harm(j, part) for j in valid for part in j.decision.guarded if part.verdict is Verdict.BLOCK]
    reasons += _macro_harm(macro.decision, proofs)
    if proofs.previous_loss_excessive:
        reasons.append(_previous_harm(macro.decision, policy))
    if proofs.kl_excessive:
        reasons += _divergence_reason(macro.decision, policy, "is proved")
    return reasons


def _score_missed(judged: JudgedSuite) -> str:
    assert judged.least is not None, "a score is missed where one is asked for"
    return f"{judged.decision.suite} scores {percent(judged.least.score)}: {least_in_words(judged.least)}"


def _macro_harm(macro: MacroDecision, proofs: Proofs) -> list[str]:
    margin = loss("margin", macro.margin)
    if macro.e_items is not None:
        return [f"{_macro_change(macro)}; {margin} was proved after {count(macro.e_items, 'item')}, by an e-process"]
    if not proofs.macro_within_margin and proofs.macro_loss:
        return [
            f"{_macro_change(macro, _worst(macro.limits) + _best(macro.limits))}; a loss is proved "
            f"({p_value(macro.p_loss)}), and {margin} is not excluded ({p_value(macro.p_value)})"
        ]
    if proofs.forbidden_loss:
        return [f"{_macro_change(macro, _best(macro.limits))}; a loss is proved, and the policy allows none"]
    return []


def _worst(limits: Limits | None) -> str:
    return "" if limits is None else at_worst(limits.at_worst)


def _best(limits: Limits | None) -> str:
    return "" if limits is None else at_best(limits.harm)


def _slice_change(judged: JudgedSuite, part: SliceDecision, limit: str) -> str:
    return (
        f"slice {part.name} of {judged.decision.suite} went from {percent(part.base)} to {percent(part.candidate)} "
        f"on {count(part.n, 'item')} ({points(part.difference)}{limit}): {loss('guardrail', part.guardrail or 0.0)}"
    )


def _slice_harm(judged: JudgedSuite, part: SliceDecision) -> str:
    return f"{_slice_change(judged, part, _best(part.limits))} is proved"


def _slice_unproved(judged: JudgedSuite, part: SliceDecision) -> str:
    return f"{_slice_change(judged, part, _worst(part.limits))} is not excluded"


def _unproved_against_previous(valid: Sequence[JudgedSuite], macro: JudgedMacro, policy: Policy) -> list[str]:
    found = []
    change = macro.decision.against_previous
    if change is not None and macro.previous is not None and macro.previous.p_loss_within >= policy.alpha:
        found.append(f"{_previous_change(change, _worst(change.limits), policy)} is not excluded")
    for j in domain_suites(valid):
        change = j.decision.against_previous
        if change is not None and not j.proofs.previous_held:
            found.append(
                f"{j.decision.suite}: {points(change.difference)} against the previous release"
                f"{_worst(change.limits)}: {loss('guardrail', policy.guardrail_of(j.role))} is not excluded"
            )
    return found


def _previous_harm(macro: MacroDecision, policy: Policy) -> str:
    change = macro.against_previous
    assert change is not None, "there is no comparison with a previous release that was not scored"
    return f"{_previous_change(change, _best(change.limits), policy)} is proved"


def _previous_change(change: Change, limit: str, policy: Policy) -> str:
    return (
        f"against the previous release general ability changed by {points(change.difference)} on average "
        f"({count(change.n, 'item')}{limit}); {loss('margin', policy.margin)}"
    )


def _divergence_reason(macro: MacroDecision, policy: Policy, proved: str) -> list[str]:
    if policy.max_kl is None or macro.kl is None:
        return []
    kl, limits = macro.kl, macro.kl_limits
    limit = ""
    if limits is not None:
        limit = f", at least {limits.low:.3f}" if proved == "is proved" else f", at most {limits.high:.3f}"
    return [
        f"KL to the base is {nats(kl.mean)} on average ({count(kl.n, 'item')}{limit}); more than the max_kl of "
        f"{policy.max_kl:g} {proved}"
    ]


def _macro_change(macro: MacroDecision, limit: str = "") -> str:
    return (
        f"general ability changed by {points(macro.difference)} on average over {count(len(macro.suites), 'suite')} "
        f"({count(macro.n, 'item')}{limit})"
    )


def _macro_reason(macro: MacroDecision, within: bool) -> str:
    proved = f"{loss('margin', macro.margin)} {'is' if within else 'is not'} excluded"
    return f"{_macro_change(macro, _worst(macro.limits))}; {proved} ({p_value(macro.p_value)})"


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
    notes += [_partial_credit(j.decision) for j in judged if j.decision.graded and j.decision.sensitivity.valid]
    notes += _open_guardrails(judged)
    notes += _losses_within(judged) if verdict is Verdict.PASS else []
    notes += [told for j in judged if (told := _ended_unlike(j)) is not None]
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


def _partial_credit(suite: SuiteDecision) -> str:
    return (
        f"{suite.suite} gives partial credit, here to {suite.graded:,} of {count(suite.n, 'item')}: an item that "
        "gained or lost may have moved by a part of a point, so that counts of items and points of score are two things"
    )


def _losses_within(judged: Sequence[JudgedSuite]) -> list[str]:
    """What a PASS of the average passes over. Each is looked at by itself, so some are there by chance."""
    general = [j.decision for j in judged if j.decision.role == "general" and j.decision.sensitivity.valid]
    lost = [
        f"{suite.suite} ({points(suite.difference)}, at best {points(suite.limits.at_best)})"
        for suite in general
        if suite.limits is not None and suite.limits.at_best < 0
    ]
    if not lost:
        return []
    one_by_one = f"of {count(len(general), 'general suite')} looked at one by one "
    return [f"{one_by_one}a loss is shown on {names(lost)}, which its guardrail allows and the average makes good"]


CUT_OFF = 0.2
"""Share of a base's answers without an end from which they are told beside those of a candidate with few of them."""


def _ended_unlike(judged: JudgedSuite) -> str | None:
    """An answer without an end is scored as far as it went."""
    base, candidate = ([end is False for end in side.ended] for side in (judged.suite.base, judged.suite.candidate))
    if not base or sum(base) < CUT_OFF * len(base) or 4 * sum(candidate) > sum(base):
        return None
    return (
        f"{judged.decision.suite}: {sum(base)} of {count(len(base), 'answer')} of the base are cut off at their "
        f"length, and {sum(candidate)} of the candidate's: what was gained there may be that it ends its answers"
    )


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
