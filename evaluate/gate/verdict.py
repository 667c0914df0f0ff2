"""From what is proved to the verdict: the one place that holds the order of precedence."""

from __future__ import annotations

from dataclasses import dataclass

from assay.findings import Verdict


@dataclass(frozen=True)
class Proofs:
    """What is proved about a candidate, each at its level.

    invalid              something required could not have shown a regression
    must_pass_failed     an item that must pass does not
    macro_loss_excessive early: an e-process rejects that the macro loss is within the margin
    guardrail_broken     a suite's loss is proved beyond its guardrail
    slice_broken         the loss on a guarded slice is proved beyond its guardrail
    domain_worse         a domain suite is proved worse
    previous_loss_excessive  the macro loss against the last release is proved beyond the margin
    score_missed         a score below the least that the policy asks for is proved
    kl_excessive         the divergence from the base is proved beyond the policy's limit
    forbidden_loss       a loss of any size is proved, and the policy forbids it
    complete             the planned number of items was scored
    domain_better        a gain above min_gain is proved on every required domain suite
    macro_within_margin  a macro loss beyond the margin is excluded
    guardrails_held      where the policy asks for it, a loss beyond the guardrail is excluded on every general suite
                         and guarded slice
    scores_met           where the policy asks for a least score, one above it is proved
    previous_held        where the policy asks for it, a loss against the last release is excluded
    kl_held              where the policy limits it, a larger divergence from the base is excluded
    macro_loss           a macro loss of any size is proved
    """

    invalid: bool = False
    must_pass_failed: bool = False
    macro_loss_excessive: bool = False
    guardrail_broken: bool = False
    slice_broken: bool = False
    domain_worse: bool = False
    previous_loss_excessive: bool = False
    score_missed: bool = False
    kl_excessive: bool = False
    forbidden_loss: bool = False
    complete: bool = True
    domain_better: bool = False
    macro_within_margin: bool = False
    guardrails_held: bool = True
    scores_met: bool = True
    previous_held: bool = True
    kl_held: bool = True
    macro_loss: bool = False


def verdict_of(proofs: Proofs) -> Verdict:
    """INVALID, BLOCK on proved harm, PASS, BLOCK on a loss that may exceed the margin, else INCONCLUSIVE.

    What must hold for a PASS is an intersection of proofs, each at uncorrected alpha: all must hold, so chance gains
    nothing, and correcting them would fail an unchanged model. PASS exists at the planned number of items only; harm
    may be proved earlier.
    """
    if proofs.invalid:
        return Verdict.INVALID
    if (
        proofs.must_pass_failed
        or proofs.macro_loss_excessive
        or proofs.guardrail_broken
        or proofs.slice_broken
        or proofs.domain_worse
        or proofs.previous_loss_excessive
        or proofs.score_missed
        or proofs.kl_excessive
        or proofs.forbidden_loss
    ):
        return Verdict.BLOCK
    if not proofs.complete:
        return Verdict.INCONCLUSIVE
    if (
        proofs.domain_better
        and proofs.macro_within_margin
        and proofs.guardrails_held
        and proofs.scores_met
        and proofs.previous_held
        and proofs.kl_held
    ):
        return Verdict.PASS
    if not proofs.macro_within_margin and proofs.macro_loss:
        return Verdict.BLOCK
    return Verdict.INCONCLUSIVE


def macro_verdict(proofs: Proofs) -> Verdict:
    """Of the average over the general suites by itself."""
    if proofs.macro_loss_excessive or proofs.forbidden_loss or proofs.previous_loss_excessive:
        return Verdict.BLOCK
    if not proofs.complete:
        return Verdict.INCONCLUSIVE
    if proofs.macro_within_margin:
        return Verdict.PASS
    return Verdict.BLOCK if proofs.macro_loss else Verdict.INCONCLUSIVE
