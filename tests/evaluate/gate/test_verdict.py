"""The order of precedence: INVALID, BLOCK on proved harm, PASS, BLOCK on a doubtful loss, INCONCLUSIVE."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from assay.evaluate.gate.verdict import Proofs, macro_verdict, verdict_of
from assay.findings import Verdict

ALL_GOOD = Proofs(domain_better=True, macro_within_margin=True)
HARM = (
    "must_pass_failed",
    "macro_loss_excessive",
    "guardrail_broken",
    "slice_broken",
    "domain_worse",
    "previous_loss_excessive",
    "score_missed",
    "kl_excessive",
    "forbidden_loss",
)
NEEDED = (
    "domain_better",
    "macro_within_margin",
    "guardrails_held",
    "scores_met",
    "previous_held",
    "kl_held",
    "complete",
)


def test_every_proof_is_either_harm_or_needed_or_the_loss_in_doubt() -> None:
    assert {*HARM, *NEEDED, "invalid", "macro_loss"} == {item.name for item in fields(Proofs)}


def test_all_proofs_together_pass() -> None:
    assert verdict_of(ALL_GOOD) is Verdict.PASS


@pytest.mark.parametrize("proof", NEEDED)
def test_any_proof_missing_is_inconclusive(proof: str) -> None:
    assert verdict_of(replace(ALL_GOOD, **{proof: False})) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("complete", [True, False])
def test_proved_harm_blocks_whatever_else_is_proved_and_even_early(harm: str, complete: bool) -> None:
    assert verdict_of(replace(ALL_GOOD, complete=complete, **{harm: True})) is Verdict.BLOCK


@pytest.mark.parametrize("harm", HARM)
def test_invalid_comes_before_everything(harm: str) -> None:
    assert verdict_of(replace(ALL_GOOD, invalid=True, **{harm: True})) is Verdict.INVALID


def test_a_small_proved_loss_within_the_margin_passes() -> None:
    assert verdict_of(replace(ALL_GOOD, macro_loss=True)) is Verdict.PASS


def test_a_proved_loss_whose_size_is_in_doubt_blocks_at_the_planned_number_only() -> None:
    doubtful = Proofs(domain_better=True, macro_loss=True)
    assert verdict_of(doubtful) is Verdict.BLOCK
    assert verdict_of(replace(doubtful, complete=False)) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("proofs", "expected"),
    [
        (ALL_GOOD, Verdict.PASS),
        (replace(ALL_GOOD, guardrail_broken=True), Verdict.PASS),
        (replace(ALL_GOOD, complete=False), Verdict.INCONCLUSIVE),
        (replace(ALL_GOOD, macro_within_margin=False), Verdict.INCONCLUSIVE),
        (replace(ALL_GOOD, macro_within_margin=False, macro_loss=True), Verdict.BLOCK),
        (replace(ALL_GOOD, macro_loss_excessive=True, complete=False), Verdict.BLOCK),
        (replace(ALL_GOOD, forbidden_loss=True), Verdict.BLOCK),
        (replace(ALL_GOOD, previous_loss_excessive=True), Verdict.BLOCK),
    ],
)
def test_the_average_has_a_verdict_of_its_own(proofs: Proofs, expected: Verdict) -> None:
    assert macro_verdict(proofs) is expected
