"""A small run of the simulation: looking before all items are scored makes the gate wrong no more often."""

from __future__ import annotations

import math
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assay.evaluate.gate.early_stopping import LOOKS
from assay.findings import Verdict
from benchmarks.early_stopping_error_rates import Stopped, differing, early_stopping_rule, median_items, simulate
from benchmarks.gate_error_rates import World, draw, world_of

GATES = 200
NOISE = 3 * math.sqrt(0.05 * 0.95 / GATES)
"""Three standard errors of a rate of 5 % over so many gates."""

SMALL = (
    World("no change", (0.0,) * 3, items=60, domain_items=60, domain_gain=0.2),
    World("a loss on all", (0.15,) * 3, items=60, domain_items=60, domain_gain=0.2),
    World("one ruined", (0.5, 0.0), items=60, domain_items=60, domain_gain=0.2),
    World("clusters", (0.1,) * 3, 5, 0.5, items=100, domain_items=60, domain_gain=0.2),
    World("no loss allowed", (0.12,) * 3, items=60, domain_items=60, domain_gain=0.2, strict=True),
    World("worse on the domain", (0.0,) * 3, items=60, domain_items=100, domain_gain=-0.2),
    World("suites of odd sizes", (0.1, 0.0), items=43, domain_items=37, domain_gain=0.2),
)
EACH = 30
"""Gates of each that go through the real loop: 210 in all."""


class Simulated(dict[str, tuple[list[Verdict], list[Stopped]]]):
    def __missing__(self, name: str) -> tuple[list[Verdict], list[Stopped]]:
        self[name] = simulate(world_of(name), GATES)
        return self[name]


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return Simulated()


def rate(stopped: list[Stopped], verdict: Verdict) -> float:
    return sum(one.verdict is verdict for one in stopped) / len(stopped)


@pytest.mark.parametrize("world", SMALL, ids=lambda world: world.name)
def test_the_loop_for_many_gates_is_the_real_loop(world: World) -> None:
    assert differing(world, EACH) == []


def test_those_gates_end_in_every_way_and_at_many_looks() -> None:
    """Else that both agree would say little."""
    import numpy as np

    ended = [
        one for world in SMALL for one in early_stopping_rule(draw(world, EACH, np.random.default_rng(1)), world.policy)
    ]
    before = Counter(one.verdict for one in ended if one.look < LOOKS)
    last = Counter(one.verdict for one in ended if one.look == LOOKS)
    assert before[Verdict.BLOCK] > 20 and before[Verdict.INCONCLUSIVE] > 5
    assert last[Verdict.PASS] > 5 and last[Verdict.INCONCLUSIVE] > 5
    assert len({one.look for one in ended}) > 10


@pytest.mark.parametrize(
    "world", ["no change", "no change, clusters of 5", "no change, no loss allowed", "no change, nor on the domain"]
)
def test_an_unchanged_candidate_is_hardly_ever_blocked(simulated: Simulated, world: str) -> None:
    assert rate(simulated[world][1], Verdict.BLOCK) <= 0.05 + NOISE


def test_no_change_passes(simulated: Simulated) -> None:
    assert rate(simulated["no change"][1], Verdict.PASS) >= 0.85


@pytest.mark.parametrize(
    "world",
    [
        "every suite loses the margin, 2 points",
        "every suite loses the margin, clusters of 5",
        "no change, nor on the domain",
    ],
)
def test_what_must_not_pass_hardly_ever_does(simulated: Simulated, world: str) -> None:
    assert rate(simulated[world][1], Verdict.PASS) <= 0.05 + NOISE


@pytest.mark.parametrize(
    ("world", "most"),
    [
        ("every suite loses 4 points", 1300),
        ("every suite loses 4 points, no loss allowed", 300),
        ("one suite loses 20 points", 900),
    ],
)
def test_a_clear_loss_is_blocked_after_few_items(simulated: Simulated, world: str, most: int) -> None:
    stopped = simulated[world][1]
    assert rate(stopped, Verdict.BLOCK) >= 0.99
    assert median_items(world_of(world), stopped) <= most


@pytest.mark.parametrize("world", ["no change", "every suite loses the margin, 2 points", "no change, clusters of 5"])
def test_whoever_passes_after_looks_is_who_passes_without_but_for_blocks_at_another_level(
    simulated: Simulated, world: str
) -> None:
    """PASS rests on the tests at the planned number; a look can only take one away."""
    whole, stopped = simulated[world]
    gained = sum(
        one.verdict is Verdict.PASS and verdict is Verdict.INCONCLUSIVE
        for verdict, one in zip(whole, stopped, strict=True)
    )
    assert gained == 0
