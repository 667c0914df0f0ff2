"""Beside each proof stands the limit that it is made with: the two never disagree, on whatever suites."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.comparison import Estimate, differences_of, estimate_each, estimate_mean
from assay.evaluate.gate.decision import Decision
from assay.evaluate.gate.divergence import Divergence
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.levels import no_loss_levels
from assay.evaluate.gate.limits import Limits, limits_from_json, limits_of, with_harm
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.statistics.intervals import Interval
from assay.evaluate.statistics.one_sided import agreeing

Make = Callable[..., Evaluation]
NEAR = 1e-6


def estimate(seed: int, n: int, size: int, loss: float, bound: float, suites: int) -> Estimate:
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(suites):
        values = np.repeat(
            rng.choice([-1.0, -0.5, 0.0, 1.0], -(-n // size), p=[0.03 + loss, 0.05, 0.86 - loss, 0.06]), size
        )
        drawn.append(differences_of(values[:n], [f"c{i // size}" if size > 1 else None for i in range(n)]))
    return estimate_each(drawn, bound)[0] if suites == 1 else estimate_mean(drawn, bound)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 400),
    size=st.sampled_from([1, 1, 3]),
    loss=st.sampled_from([0.0, 0.05, 0.3]),
    bound=st.sampled_from([0.02, 0.05, 0.1]),
    suites=st.sampled_from([1, 3]),
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
    share=st.sampled_from([1.0, 0.5, 0.1]),
)
def test_limits_and_p_values_say_the_same(
    seed: int, n: int, size: int, loss: float, bound: float, suites: int, alpha: float, share: float
) -> None:
    found = estimate(seed, n, size, loss, bound, suites)
    limits = with_harm(limits_of(found, bound, alpha), found, bound, found.p_loss_beyond, share * alpha)
    assert limits.at_worst >= -bound if found.p_loss_within < alpha else limits.at_worst <= -bound
    assert limits.harm is not None
    assert limits.harm <= -bound if found.p_loss_beyond < share * alpha else limits.harm >= -bound
    low, high = found.limits(alpha)
    assert abs(limits.at_worst - low) < NEAR, "the inversion itself ends there, and is not only moved to its side"
    assert abs(limits.harm - found.limits(share * alpha).high) < NEAR
    assert low <= found.difference + NEAR and high >= found.difference - NEAR


def decisions(synthetic: Make, suite: Any) -> list[tuple[Decision, Policy]]:
    """Many, at and around every bound, with slices, clusters, a last release and policies of several levels."""
    found = []
    rng = np.random.default_rng(0)
    for seed in range(24):
        alpha = float(rng.choice([0.05, 0.01, 0.2]))
        guardrail, gained = float(rng.choice([0.03, 0.05, 0.1])), float(rng.choice([0.0, 0.0, 0.05]))
        policy = Policy(
            alpha=alpha,
            margin=0.02,
            guardrail=guardrail,
            min_gain=gained,
            suites={
                "support": SuitePolicy("domain", slices={"refund": SlicePolicy(0.1)}),
                "arc": SuitePolicy("general"),
                "grammar": SuitePolicy("general"),
            },
        )
        made = synthetic(
            suite("arc", n=int(rng.integers(60, 400)), gain=float(rng.normal(-guardrail, 0.05))),
            suite("grammar", n=240, gain=float(rng.normal(-0.01, 0.02)), cluster_size=int(rng.choice([1, 4]))),
            suite("support", n=int(rng.integers(60, 300)), p_base=0.2, gain=float(rng.normal(gained + 0.05, 0.05)),
                  discordance=0.3, p_damaged=0.02, kind="suite", chance=None, slices=("refund", "login"),
                  previous_gain=0.05),
            seed=seed,
        )  # fmt: skip
        found.append((gate(made, policy), policy))
    return found


def test_on_random_suites_no_limit_of_a_gate_contradicts_its_proof(synthetic: Make, suite: Any) -> None:
    proved = {True: 0, False: 0}
    for decision, policy in decisions(synthetic, suite):
        for judged in decision.suites:
            limits, bound = judged.limits, judged.margin if judged.role == "domain" else -judged.margin
            assert limits is not None and limits.confidence == pytest.approx(1 - 2 * policy.alpha)
            above = judged.p_value < policy.alpha
            proved[above] += 1
            assert limits.at_worst >= bound if above else limits.at_worst <= bound
            assert limits.harm is not None
            if "beyond the guardrail" in judged.reason and judged.reason.endswith("is proved"):
                assert limits.harm <= -policy.guardrail
            for part in judged.slices:
                assert part.limits is not None
                if part.guardrail is not None and part.p_value is not None:
                    within = part.p_value < policy.alpha
                    assert (
                        part.limits.at_worst >= -part.guardrail if within else part.limits.at_worst <= -part.guardrail
                    )
            if judged.constant is not None:
                assert judged.constant.at_worst is not None
                assert judged.constant.at_worst >= 0 if judged.constant.beaten else judged.constant.at_worst <= 0
        macro = decision.macro
        assert macro is not None and macro.limits is not None and macro.limits.harm is not None
        held = macro.p_value < policy.alpha
        assert macro.limits.at_worst >= -policy.margin if held else macro.limits.at_worst <= -policy.margin
        lost = macro.p_loss < no_loss_levels(policy).late
        assert macro.limits.harm <= 0 if lost else macro.limits.harm >= 0
    assert min(proved.values()) > 10


def test_a_reason_names_no_limit_that_a_reader_would_hold_against_it(synthetic: Make, suite: Any) -> None:
    """A 95 % interval beside a one-sided proof at 5 % could hold what the proof excludes."""
    for decision, _ in decisions(synthetic, suite):
        said = " ".join([*decision.reasons, *(judged.reason for judged in decision.suites)])
        assert "interval" not in said and "-0.0" not in said
    assert "at worst" in said


def test_limits_come_back_from_json() -> None:
    for limits in (Limits(0.9, -0.02, 0.04), Limits(0.9, -0.02, 0.04, -0.01, 0.0125)):
        assert limits_from_json(json.loads(json.dumps(limits.to_json()))) == limits
        assert limits.interval == Interval(-0.02, 0.04)
    assert limits_from_json(None) is None


@pytest.mark.parametrize("bound", [0.005, 0.01, 0.012, 0.02])
def test_a_limit_of_kl_is_where_its_proof_turns(bound: float) -> None:
    kl = Divergence(120, 0.01, Interval(0.008, 0.012), 1e-6, 119.0)
    low, high = kl.limits(0.05)
    assert (kl.p_below(bound) < 0.05) == (high < bound) and (kl.p_above(bound) < 0.05) == (low > bound)
    assert agreeing(high, bound, above=not kl.p_below(bound) < 0.05) == high
