"""A small run of the simulation: the gate is wrong no more often than its policy says."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assay.evaluate.gate.gate import gate
from assay.findings import Verdict
from benchmarks import gate_error_rates as simulation
from benchmarks.early_stopping_error_rates import as_evaluation

GATES = 200
NOISE = 3 * math.sqrt(0.05 * 0.95 / GATES)
"""Three standard errors of a rate of 5 % over so many gates."""


class Rates(dict[str, list[simulation.Rates]]):
    """Rates of each world, simulated when they are first asked for."""

    def __missing__(self, name: str) -> list[simulation.Rates]:
        self[name] = simulation.simulate(simulation.world_of(name), GATES)
        return self[name]


@pytest.fixture(scope="module")
def rates() -> Rates:
    return Rates()


def test_no_change_passes_and_is_hardly_ever_blocked(rates: Rates) -> None:
    ours = rates["no change"][0]
    assert ours.passed >= 0.85 and ours.blocked <= 0.05


def test_a_fixed_two_point_rule_blocks_an_unchanged_model_one_time_in_four(rates: Rates) -> None:
    theirs = next(rule for rule in rates["no change"] if rule.rule == "any average falls 2 points")
    assert theirs.blocked == pytest.approx(0.25, abs=0.1)


def test_a_corrected_proof_on_each_suite_passes_hardly_more_than_half_of_unchanged_models(rates: Rates) -> None:
    theirs = next(rule for rule in rates["no change"] if rule.rule == "5 points excluded a suite, corrected")
    assert theirs.passed == pytest.approx(0.57, abs=0.12)


@pytest.mark.parametrize(
    "world",
    [
        "every suite loses the margin, 2 points",
        "one suite loses 12 points, average at the margin",
        "every suite loses the margin, clusters of 5",
    ],
)
def test_a_loss_at_the_margin_hardly_ever_passes(rates: Rates, world: str) -> None:
    assert rates[world][0].passed <= 0.05 + NOISE


def test_a_loss_of_twice_the_margin_is_blocked(rates: Rates) -> None:
    assert rates["every suite loses 4 points"][0].blocked >= 0.99


@pytest.mark.parametrize(
    "world",
    [
        "no change, nor on the domain",
        "no change, nor on the domain, clusters of 5",
        "no change, nor on the domain, no loss allowed",
        "no change, nor on the domain, 60 items a suite",
    ],
)
def test_a_candidate_without_any_change_is_neither_passed_nor_blocked_more_often_than_alpha(
    rates: Rates, world: str
) -> None:
    ours = rates[world][0]
    assert ours.passed <= 0.05 + NOISE and ours.blocked <= 0.05 + NOISE


@pytest.mark.parametrize("world", ["one suite loses 20 points", "one suite loses 20 points, clusters of 5"])
def test_one_ruined_suite_is_blocked(rates: Rates, world: str) -> None:
    assert rates[world][0].blocked >= 0.99


@pytest.mark.parametrize("world", ["no change, clusters of 5", "no change, no loss allowed, clusters of 5"])
def test_clusters_keep_false_blocks_rare(rates: Rates, world: str) -> None:
    assert rates[world][0].blocked <= 0.05 + NOISE


def test_a_score_at_the_least_that_is_asked_for_hardly_ever_passes_and_is_hardly_ever_blocked(rates: Rates) -> None:
    """Blocked as an unchanged candidate is, and at alpha at most for the score."""
    ours = rates["no change, the domain at its min_score, 80 %"][0]
    assert ours.passed <= 0.05 + NOISE and ours.blocked <= 0.05 + 0.02 + NOISE


def test_a_score_below_or_well_above_the_least_is_told(rates: Rates) -> None:
    assert rates["no change, the domain 4 points below its min_score"][0].passed <= 0.02
    above = rates["no change, the domain 8 points above its min_score"][0]
    assert above.passed >= 0.85 and above.blocked <= 0.05


@pytest.mark.parametrize(
    "world",
    [
        "no change",
        "one suite loses 20 points",
        "no change, clusters of 5",
        "no change, the domain at its min_score, 80 %",
        "no change, the domain 4 points below its min_score",
        "no change, the domain 8 points above its min_score",
    ],
)
def test_the_simulated_rule_is_the_gates(world: str) -> None:
    """The simulation restates the gate for arrays; on single gates both must say the same."""
    found = simulation.world_of(world)
    sample = simulation.draw(found, 3, np.random.default_rng(3))
    lenient = replace(found.policy, on_missing_check="warn")
    for index, verdict in enumerate(simulation.assay_rule(sample, found.policy)):
        evaluation, _ = as_evaluation(sample, index)
        assert gate(evaluation, lenient, lambda *_: None).verdict is verdict is not Verdict.INVALID
