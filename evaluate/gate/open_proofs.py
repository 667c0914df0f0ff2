"""The proofs that a PASS still lacks, and about how many more items each would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assay.findings import Verdict

from ..statistics.items_needed import more_items, with_unseen_changes
from ..wording import count, names
from .policy import Policy
from .suite_gate import JudgedMacro, JudgedSuite, domain_suites
from .verdict import Proofs

GENERAL = "the general suites together"


@dataclass(frozen=True)
class OpenProof:
    """items: further ones of `what`, at which it would probably be decided; None where no number would do it."""

    what: str
    items: int | None


def open_proofs(
    judged: Sequence[JudgedSuite], macro: JudgedMacro | None, proofs: Proofs, policy: Policy
) -> list[OpenProof]:
    """In the order of their reasons."""
    valid = [j for j in judged if j.decision.sensitivity.valid]
    found = [OpenProof(j.decision.suite, j.decision.items_needed) for j in domain_suites(valid) if not j.proofs.better]
    found += [OpenProof(j.decision.suite, j.least.items_needed) for j in valid if j.least is not None and j.least.open]
    if macro is None:
        return found
    if not proofs.macro_within_margin:
        found.append(OpenProof(GENERAL, macro.decision.items_needed))
    if not proofs.guardrails_held:
        found += _guardrails(valid)
    if not proofs.previous_held:
        found += _against_previous(valid, macro, policy)
    if not proofs.kl_held and macro.decision.kl is not None and policy.max_kl is not None:
        kl = macro.decision.kl
        found.append(OpenProof(GENERAL, more_items(kl.n, kl.variance, kl.mean - policy.max_kl, policy.alpha)))
    return found


def _guardrails(valid: Sequence[JudgedSuite]) -> Iterator[OpenProof]:
    for j in valid:
        if j.decision.role == "general" and not j.proofs.guardrail_held:
            yield OpenProof(j.decision.suite, j.decision.items_needed)
        for part in j.decision.guarded:
            if part.verdict is not Verdict.PASS:
                yield OpenProof(f"slice {part.name} of {j.decision.suite}", part.items_needed)


def _against_previous(valid: Sequence[JudgedSuite], macro: JudgedMacro, policy: Policy) -> Iterator[OpenProof]:
    change = macro.decision.against_previous
    if change is not None and macro.previous is not None and macro.previous.p_loss_within >= policy.alpha:
        variance = with_unseen_changes(change.n, macro.previous.variance)
        yield OpenProof(GENERAL, more_items(change.n, variance, change.difference + policy.margin, policy.alpha))
    for j in domain_suites(valid):
        change, loss = j.decision.against_previous, j.previous
        if not j.proofs.previous_held and change is not None and loss is not None:
            variance = with_unseen_changes(change.n, loss.variance)
            distance = change.difference + policy.guardrail_of(j.role)
            yield OpenProof(j.decision.suite, more_items(change.n, variance, distance, policy.alpha))


def items_for_all(lacking: Sequence[OpenProof]) -> int | None:
    """The most that any of them needs; None where one cannot be decided, or none is open."""
    items = [proof.items for proof in lacking]
    return None if not items or None in items else max(number for number in items if number is not None)


def in_words(lacking: Sequence[OpenProof], scored: int, policy: Policy) -> str:
    """scored: items over all general suites."""
    never = list(dict.fromkeys(proof.what for proof in lacking if proof.items is None))
    if never:
        return f"with the differences seen, no reasonable number of items would decide it on {names(never)}"
    most: dict[str, int] = {}
    for proof in lacking:
        most[proof.what] = max(most.get(proof.what, 0), proof.items or 0)
    if not most:
        return "the items that are still to be scored may decide it"
    line = " and ".join(f"about {count(items, 'more item')} of {what}" for what, items in most.items())
    line += " would probably decide it, if they go on as those that were scored"
    if scored + most.get(GENERAL, 0) > policy.max_items:
        line += f"; the policy's max_items is {policy.max_items:,}"
    return line
