"""Betting against "the loss is within the margin": errors stay below alpha however often one looks."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from assay.evaluate.statistics.e_process import Planned, Rounds, log_wealth, make_rounds, order, schedule

LIMIT = math.log(20)


def simulated(losses: list[float], gates: int = 1500, rounds: int = 300, cluster: int = 1) -> Rounds:
    """6 suites with 8 % discordance; whole clusters move together."""
    rng = np.random.default_rng(0)
    u = rng.random((gates, rounds, len(losses)))
    loss = np.array(losses)
    moved = np.maximum(0.08, np.abs(loss))
    found = np.where(u < (moved + loss) / 2, 1.0, np.where(u < moved, -1.0, 0.0))
    return Rounds(found, np.ones_like(found), 1.0, 1.0)


def ever(rounds: Rounds, null: float) -> float:
    return float((log_wealth(rounds, null, null + 0.02).max(-1) >= LIMIT).mean())


@pytest.mark.parametrize(
    "losses", [[0.02] * 6, [0.12, 0, 0, 0, 0, 0], [0.04, 0.04, 0.04, 0, 0, 0], [0.2, -0.08, 0, 0, 0, 0]]
)
def test_a_loss_at_the_margin_is_rejected_at_most_in_alpha_of_all_runs_however_it_is_spread(
    losses: list[float],
) -> None:
    assert ever(simulated(losses), 0.02) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)


def test_expected_wealth_does_not_grow_under_the_null() -> None:
    wealth = np.exp(log_wealth(simulated([0.02] * 6, gates=4000, rounds=100), 0.02, 0.04))
    assert wealth[:, -1].mean() <= 1 + 4 * wealth[:, -1].std() / math.sqrt(4000)


LOSSES = (-1.0, 0.0, 1.0)


def every_path(chances: list[list[float]], rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """[paths, rounds, suites] every course that betting can take, and how likely each is. chances of LOSSES by suite"""
    outcomes = list(product(range(3), repeat=len(chances)))
    likely = [math.prod(chances[suite][kind] for suite, kind in enumerate(outcome)) for outcome in outcomes]
    paths = list(product(range(len(outcomes)), repeat=rounds))
    losses = np.array([[[LOSSES[kind] for kind in outcomes[o]] for o in path] for path in paths])
    return losses, np.array([math.prod(likely[o] for o in path) for path in paths])


@pytest.mark.parametrize("null", [0.0, 0.02, 0.05])
def test_over_every_course_that_betting_can_take_the_expected_wealth_is_one(null: float) -> None:
    """A martingale where the loss is the null (Waudby-Smith & Ramdas 2024, proposition 2), by enumeration."""
    losses, chances = every_path([[0.3 - null / 2, 0.4, 0.3 + null / 2]], 7)
    wealth = np.exp(log_wealth(Rounds(losses, np.ones_like(losses), 1.0, 1.0), null, null + 0.3))
    assert chances.sum() == pytest.approx(1.0)
    assert chances @ wealth == pytest.approx(np.ones(7), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.5, 0.2])
def test_over_every_course_the_chance_of_ever_reaching_the_bar_is_below_its_level(alpha: float) -> None:
    """Ville's inequality, by enumeration, for two suites whose losses are the null on average and not each."""
    losses, chances = every_path([[0.1, 0.3, 0.6], [0.6, 0.3, 0.1]], 4)
    wealth = np.exp(log_wealth(Rounds(losses, np.ones_like(losses), 1.0, 1.0), 0.0, 0.3))
    ever = (wealth >= 1 / alpha).any(-1)
    assert chances @ ever <= alpha
    assert (chances @ wealth <= 1 + 1e-9).all()


def test_it_is_the_published_capital_of_scores_between_zero_and_one() -> None:
    """K(m) = product of 1 + lambda (x - m) for x from 0 to 1 (the same paper, section 4.1): losses are 2 x - 1."""
    rng = np.random.default_rng(5)
    x, m = rng.choice([0.0, 0.5, 1.0], size=300, p=[0.05, 0.85, 0.10]), 0.51
    squares, capital = 0.0, []
    for t, seen in enumerate(x):
        stake = min(0.02 / ((6 + 4 * squares) / (60 + t)), 0.9 / 1.02)
        capital.append(2 * stake * (seen - m))
        squares += (seen - m) ** 2
    losses = (2 * x - 1)[:, None]
    found = np.exp(log_wealth(Rounds(losses, np.ones_like(losses), 1.0, 1.0), 0.02, 0.04))
    assert found == pytest.approx(np.cumprod(1 + np.array(capital)), rel=1e-9)


def test_a_loss_of_twice_the_margin_is_caught_after_about_a_thousand_items() -> None:
    crossed = log_wealth(simulated([0.04] * 6, rounds=500), 0.02, 0.04) >= LIMIT
    items = np.where(crossed.any(-1), 6 * (crossed.argmax(-1) + 1), 10**6)
    assert np.median(items) <= 1300


def test_a_stake_never_depends_on_the_round_it_is_placed_on() -> None:
    first = simulated([0.0] * 6, gates=1, rounds=20)
    changed = first._replace(loss=first.loss.copy())
    changed.loss[0, 10:, :] = 1.0
    before, after = log_wealth(first, 0.02, 0.04), log_wealth(changed, 0.02, 0.04)
    assert np.array_equal(before[0, :10], after[0, :10])


def test_wealth_of_a_single_round_is_what_the_formula_says() -> None:
    rounds = Rounds(np.array([[1.0, 0.0]]), np.ones((1, 2)), 1.0, 1.0)
    stake = min(0.02 / 0.1, 0.9 / 1.02)
    assert log_wealth(rounds, 0.02, 0.04)[0] == pytest.approx(math.log1p(stake * 0.98) + math.log1p(stake * -0.02))


def test_nobody_can_be_ruined_by_the_largest_possible_gain() -> None:
    rounds = Rounds(np.full((50, 3), -1.0), np.ones((50, 3)), 1.0, 1.0)
    assert np.isfinite(log_wealth(rounds, 0.02, 0.5)).all()


def test_order_depends_on_names_alone() -> None:
    names = [f"item-{i}" for i in range(30)]
    shuffled = [names[i] for i in order(names, "suite")]
    turned = list(reversed(names))
    assert [turned[i] for i in order(turned, "suite")] == shuffled
    assert shuffled != names


def test_larger_suites_bet_several_items_a_round_and_every_item_once() -> None:
    losses = [np.arange(10.0) / 10, np.arange(25.0) / 25]
    planned = [
        Planned("a", [f"a{i}" for i in range(10)], [None] * 10),
        Planned("b", [f"b{i}" for i in range(25)], [None] * 25),
    ]
    rounds = make_rounds(losses, planned)
    assert rounds.loss.shape == (10, 2) and rounds.counts.sum() == 35
    assert rounds.loss[:, 0].sum() == pytest.approx(losses[0].sum())
    assert rounds.loss[:, 1].min() >= 0 and rounds.loss[:, 1].max() <= 1
    laid = schedule(planned)
    assert len(laid) == 10
    for suite, values in enumerate(losses):
        assert sorted(np.concatenate([numbers[suite] for numbers in laid])) == list(range(len(values)))
        assert [values[numbers[suite]].mean() for numbers in laid] == pytest.approx(rounds.loss[:, suite])


def test_a_cluster_is_bet_on_as_a_whole() -> None:
    losses = [np.array([1.0, 1.0, 0.0, 0.0, 1.0])]
    rounds = make_rounds(losses, [Planned("s", list("abcde"), ["x", "x", "y", "y", None])])
    assert rounds.loss.shape == (3, 1)
    assert rounds.loss.sum() * 5 / 3 == pytest.approx(3.0)
    assert rounds.bound == pytest.approx(2 / (5 / 3))
    assert sorted(rounds.counts) == [1, 2, 2]


def test_an_unfinished_evaluation_is_bet_on_in_the_first_rounds_of_the_finished_one() -> None:
    """Else each look would be at another bet, and Ville's inequality would hold for none of them."""
    rng = np.random.default_rng(0)
    planned = [
        Planned("a", [f"a{i}" for i in range(40)], [f"c{i // 3}" for i in range(40)]),
        Planned("b", [f"b{i}" for i in range(70)], [None] * 70),
    ]
    losses = [rng.choice([-1.0, 0.0, 1.0], len(suite.item_ids)) for suite in planned]
    finished = make_rounds(losses, planned)
    scored = schedule(planned)[:6]
    partial = [np.full_like(values, np.nan) for values in losses]
    for numbers in scored:
        for suite, of_suite in enumerate(numbers):
            partial[suite][of_suite] = losses[suite][of_suite]
    unfinished = make_rounds(partial, planned)
    assert len(unfinished.loss) == len(unfinished.counts) == 6
    assert np.array_equal(log_wealth(unfinished, 0.02, 0.04), log_wealth(finished, 0.02, 0.04)[:6])


def test_before_the_first_round_is_whole_nothing_is_proved() -> None:
    planned = [Planned("a", ["x", "y"], [None, None])]
    rounds = make_rounds([np.array([np.nan, np.nan])], planned)
    assert log_wealth(rounds, 0.02, 0.04).shape == (0,)


def test_wealth_is_that_of_a_gambler_who_is_followed_bet_by_bet() -> None:
    """The same process in plain Python, from its description (Waudby-Smith & Ramdas 2024, section 4)."""
    rng = np.random.default_rng(3)
    losses = rng.choice([-1.0, 0.0, 1.0], size=(200, 3), p=[0.05, 0.85, 0.10])
    null, alternative = 0.02, 0.04
    wealth, squares, bets, expected = 1.0, 0.0, 0, []
    for round_ in losses.tolist():
        variance = (0.1 * 60 + squares) / (60 + bets)
        stake = min((alternative - null) / variance, 0.9 / (1 + null))
        for loss in round_:
            wealth *= 1 + stake * (loss - null)
        squares += sum((loss - null) ** 2 for loss in round_)
        bets += 3
        expected.append(wealth)
    found = np.exp(log_wealth(Rounds(losses, np.ones_like(losses), 1.0, 1.0), null, alternative))
    assert found == pytest.approx(expected, rel=1e-9)
