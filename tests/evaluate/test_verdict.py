"""The order of precedence: INVALID, BLOCK on proved harm, PASS, BLOCK on a doubtful loss, INCONCLUSIVE."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.evaluate.verdict import Proofs, verdict_of
from assay.findings import Verdict

ALL_GOOD = Proofs(domain_better=True, macro_within_margin=True)
HARM = ("must_pass_failed", "macro_loss_excessive", "guardrail_broken", "domain_worse", "forbidden_loss")


def test_all_proofs_together_pass() -> None:
    assert verdict_of(ALL_GOOD) is Verdict.PASS


@pytest.mark.parametrize("proof", ["domain_better", "macro_within_margin", "guardrails_held", "complete"])
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
