"""Slices that the policy guards: proved harm blocks, and too few items are said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.decision import Decision, SliceDecision
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.statistics.score_test import Strata, score_statistic
from assay.findings import Verdict

Make = Callable[..., Evaluation]
SLICES = ("refund", "login", "delivery")


@pytest.fixture
def evaluation(synthetic: Make, suite: Any) -> Evaluation:
    domain = suite("support", n=900, p_base=0.4, gain=0.3, discordance=0.4, p_damaged=0.02, chance=None, kind="suite",
                   slices=SLICES)  # fmt: skip
    return synthetic(suite("facts", n=1500), suite("grammar", n=1500), domain)


def policy(slices: Mapping[str, SlicePolicy], **settings: Any) -> Policy:
    suites = {"facts": SuitePolicy("general"), "grammar": SuitePolicy("general")}
    return Policy(suites={**suites, "support": SuitePolicy("domain", slices=slices)}, **settings)


def losing(evaluation: Evaluation, name: str, every: int, keep: int | None = None) -> Evaluation:
    """The candidate fails on every so many-th right answer of the base in a slice, and keeps the others. keep: items of
    the slice that are left."""
    rows = evaluation.items.to_pylist()
    right = {r["item_id"]: r["score"] for r in rows if r["suite"] == "support" and r["model"] == "base"}
    of_slice = sorted({r["item_id"] for r in rows if r["slice"] == name})
    kept = set(of_slice[:keep])
    lost = set([item for item in of_slice if right[item] == 1.0 and item in kept][::every])
    found = []
    for row in rows:
        if row["slice"] == name and row["item_id"] not in kept:
            continue
        if row["slice"] == name and row["model"] == "candidate":
            good = right[row["item_id"]] == 1.0 and row["item_id"] not in lost
            row |= {"score": float(good), "output": row["reference"] if good else "none of these"}
        found.append(row)
    return replace(evaluation, items=pa.Table.from_pylist(found, schema=evaluation.items.schema))


def guarded(decision: Decision) -> dict[str, SliceDecision]:
    return {part.name: part for suite in decision.suites for part in suite.guarded}


def test_a_proved_loss_on_a_guarded_slice_blocks_although_the_suite_gains(evaluation: Evaluation) -> None:
    harmed = losing(evaluation, "refund", every=2)
    free = gate(harmed, policy({}))
    decision = gate(harmed, policy({"refund": SlicePolicy(), "login": SlicePolicy()}))
    assert free.verdict is Verdict.PASS
    assert decision.verdict is Verdict.BLOCK
    assert decision.reasons[0].startswith("slice refund of support went from")
    assert "a loss beyond the guardrail of 5 points is proved" in decision.reasons[0]
    assert {name: part.verdict for name, part in guarded(decision).items()} == {
        "refund": Verdict.BLOCK,
        "login": Verdict.PASS,
    }
    support = next(suite for suite in decision.suites if suite.suite == "support")
    assert support.verdict is Verdict.BLOCK and support.difference > 0


def test_a_guardrail_of_its_own_tolerates_more(evaluation: Evaluation) -> None:
    harmed = losing(evaluation, "refund", every=2)
    decision = gate(harmed, policy({"refund": SlicePolicy(0.4)}))
    assert decision.verdict is Verdict.PASS and guarded(decision)["refund"].guardrail == 0.4


def test_proofs_of_harm_are_corrected_over_the_guarded_slices(evaluation: Evaluation) -> None:
    """A loss that is proved alone at alpha, and not at alpha over three."""
    harmed = losing(evaluation, "refund", every=4)
    part = guarded(gate(harmed, policy({"refund": SlicePolicy()})))["refund"]
    tried = (step / 1000 for step in range(1, 200))
    between = next(bound for bound in tried if -2.1 < float(score_statistic(strata_of(part), -bound)) < -1.7)
    alone = gate(harmed, policy({"refund": SlicePolicy(between)}))
    three = gate(harmed, policy(dict.fromkeys(SLICES, SlicePolicy(between))))
    assert alone.verdict is Verdict.BLOCK and three.verdict is not Verdict.BLOCK


def strata_of(part: SliceDecision) -> Strata:
    """Losses only, as `losing` makes them."""
    import numpy as np

    losses = round(-part.difference * part.n)
    counts = np.array([[losses, part.n - losses, 0.0]])
    return Strata(np.array([[-1.0, 0.0, 1.0]]), counts, np.ones(1))


def test_a_slice_with_too_few_items_neither_blocks_nor_holds_back_and_its_number_is_said(
    evaluation: Evaluation,
) -> None:
    few = losing(evaluation, "refund", every=100, keep=12)
    decision = gate(few, policy({"refund": SlicePolicy()}))
    part = guarded(decision)["refund"]
    assert decision.verdict is Verdict.PASS
    assert part.n == 12 and part.verdict is Verdict.INCONCLUSIVE and part.items_needed is not None
    assert any(
        f"on slice refund of support, 12 items (about {part.items_needed:,} more items would)" in note
        for note in decision.notes
    )


def test_where_the_policy_asks_for_it_a_pass_needs_the_slice_to_be_cleared(evaluation: Evaluation) -> None:
    few = losing(evaluation, "refund", every=100, keep=12)
    decision = gate(few, policy({"refund": SlicePolicy()}, require_guardrail_proof=True))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "slice refund of support went from" in decision.reasons[0] and "is not excluded" in decision.reasons[0]
    assert "more items of slice refund of support" in decision.reasons[-1]


def test_a_slice_that_no_item_is_in_is_invalid_and_the_nearest_is_named(evaluation: Evaluation) -> None:
    decision = gate(evaluation, policy({"refunds": SlicePolicy()}))
    assert decision.verdict is Verdict.INVALID
    assert decision.reasons[0].startswith(
        "support has no slice 'refunds', which the policy guards; did you mean 'refund'"
    )


def test_every_slice_is_shown_with_its_interval_and_only_guarded_ones_have_a_verdict(evaluation: Evaluation) -> None:
    decision = gate(evaluation, policy({"login": SlicePolicy()}))
    support = next(suite for suite in decision.suites if suite.suite == "support")
    assert [part.name for part in support.slices] == sorted(SLICES) and sum(part.n for part in support.slices) == 900
    for part in support.slices:
        assert part.ci.low <= part.difference <= part.ci.high
        assert part.difference == pytest.approx(part.candidate - part.base)
        assert (part.verdict is not None) == (part.name == "login")


def test_a_slice_of_an_invalid_suite_proves_nothing(synthetic: Make, suite: Any) -> None:
    blind: Sequence[Any] = [suite("facts"), suite("grammar", fixed=True, slices=SLICES)]
    domain = suite("support", n=300, p_base=0.3, gain=0.2, discordance=0.3, p_damaged=0.02, chance=None, kind="suite")
    suites = {"facts": SuitePolicy("general"), "support": SuitePolicy("domain")}
    guarded_ = SuitePolicy("general", required=False, slices={"refund": SlicePolicy(0.0)})
    decision = gate(synthetic(*blind, domain), Policy(suites={**suites, "grammar": guarded_}))
    assert decision.verdict is Verdict.PASS and not guarded(decision)


def test_before_the_planned_number_of_items_no_slice_is_judged(evaluation: Evaluation) -> None:
    harmed = losing(evaluation, "refund", every=2)
    early = replace(harmed, settings={"complete": False})
    decision = gate(early, policy({"refund": SlicePolicy(), "not there yet": SlicePolicy()}))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert guarded(decision)["refund"].verdict is Verdict.INCONCLUSIVE


def test_a_loss_right_at_the_guardrail_of_five_slices_blocks_at_most_as_often_as_alpha_says() -> None:
    """Bonferroni over slices of 60 items each, a fifth of which flip."""
    import numpy as np

    gates = 2000
    counts = np.random.default_rng(0).multinomial(60, [0.125, 0.8, 0.075], size=(gates, 5)).astype(float)
    values = np.broadcast_to(np.array([-1.0, 0.0, 1.0]), counts.shape)
    z = score_statistic(Strata(values[..., None, :], counts[..., None, :], np.ones(1)), -0.05)
    blocked = float((z < -2.326).any(-1).mean())
    assert blocked <= 0.05 + 3 * (0.05 * 0.95 / gates) ** 0.5
