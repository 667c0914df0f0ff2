"""Alpha is spent once: over the kinds of harm that an unchanged candidate is next to, over suites, and over looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.levels import levels_of, no_loss_levels
from assay.evaluate.gate.policy import Policy, SuitePolicy
from assay.evaluate.statistics.paired_tests import mcnemar_mid_p
from assay.findings import Verdict

ROLES = {"mine": SuitePolicy("domain"), "other": SuitePolicy("domain"), "general": SuitePolicy("general")}


@pytest.mark.parametrize("strict", [False, True])
def test_what_may_block_an_unchanged_candidate_shares_one_alpha(strict: bool) -> None:
    policy = Policy(block_on_any_proved_loss=strict)
    assert sum(no_loss_levels(policy)) == pytest.approx(policy.alpha)


@pytest.mark.parametrize("looked", [False, True])
def test_no_kind_of_harm_spends_more_than_its_alpha_over_suites_comparisons_and_looks(looked: bool) -> None:
    policy = Policy()
    levels = levels_of(policy, ROLES, against_both=True, looked=looked)
    assert len(ROLES) * (sum(levels.suite) + levels.previous) <= policy.alpha + 1e-12
    assert 2 * sum(levels.domain) <= no_loss_levels(policy).domain + 1e-12


def test_who_does_not_look_spends_nothing_on_looks() -> None:
    levels = levels_of(Policy(), ROLES, against_both=False, looked=False)
    assert levels.suite == (0.0, pytest.approx(0.05 / 3)) and levels.domain == (0.0, pytest.approx(0.005))


def looked_at(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, settings={**evaluation.settings, "stopping": {"look": 20, "reason": None}})


def test_at_the_planned_number_less_is_left_for_a_candidate_that_was_looked_at_before(
    synthetic: Any, suite: Any
) -> None:
    """A loss on the domain that half of its level does not prove."""
    for seed in range(40):
        mine = suite("mine", n=300, gain=-0.07, discordance=0.25, kind="suite")
        found = synthetic(mine, suite("g1", n=300), suite("g2", n=300), seed=seed)
        decision = next(one for one in gate(found, Policy()).suites if one.suite == "mine")
        if 0.005 < mcnemar_mid_p(decision.losses, decision.gains) < 0.01:
            after = next(one for one in gate(looked_at(found), Policy()).suites if one.suite == "mine")
            assert (decision.verdict, after.verdict) == (Verdict.BLOCK, Verdict.INCONCLUSIVE)
            return
    raise AssertionError("no such loss was drawn")


def test_before_the_planned_number_nothing_is_bet_on_optional_suites_alone(synthetic: Any, suite: Any) -> None:
    """Which of them are valid may change from look to look, and the bet with it."""
    roles = {"mine": SuitePolicy("domain"), "g1": SuitePolicy("general", required=False)}
    ruined = synthetic(suite("mine", n=200, gain=0.15, kind="suite"), suite("g1", n=400, gain=-0.06))
    whole = gate(ruined, Policy(suites=roles))
    early = gate(replace(ruined, settings={"complete": False}), Policy(suites=roles))
    assert whole.macro is not None and early.macro is not None
    assert whole.macro.e_items is not None and early.macro.e_items is None
