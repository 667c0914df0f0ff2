"""Plots of the gate's page: every mark is where its number says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.decision import Decision
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.reports.gate_plots import LEFT, RIGHT, difference_plot, flip_plot, slice_plot, sparkline

POLICY = Policy(
    min_gain=0.01,
    suites={
        "arc_easy": SuitePolicy("general"),
        "grammar": SuitePolicy("general", guardrail=0.1),
        "support": SuitePolicy("domain", slices={"refund": SlicePolicy(0.2)}),
    },
)


@pytest.fixture
def decision(synthetic: Callable[..., Evaluation], suite: Any) -> Decision:
    domain = suite("support", n=300, p_base=0.3, gain=0.1, discordance=0.2, p_damaged=0.02, kind="suite",
                   slices=("login", "refund"), previous_gain=0.08)  # fmt: skip
    return gate(synthetic(suite("arc_easy"), suite("grammar", gain=-0.2), domain), POLICY)


def test_every_difference_is_between_its_limits_and_every_bound_on_its_side(decision: Decision) -> None:
    plot = difference_plot(decision, POLICY)
    assert [row.kind for row in plot.rows] == ["general", "general", "domain", "macro"]
    for row in plot.rows:
        assert LEFT <= row.base.low <= row.base.at <= row.base.high <= RIGHT
        assert row.bound is not None and LEFT <= row.bound <= RIGHT
    first, second, domain, macro = plot.rows
    assert domain.bound is not None and domain.bound > plot.zero > (macro.bound or plot.zero)
    assert second.bound is not None and first.bound is not None and second.bound < first.bound
    assert domain.previous is not None and domain.previous.low <= domain.previous.at <= domain.previous.high
    assert first.previous is None and (plot.zero, "0") in plot.ticks
    assert [row.harmed for row in plot.rows] == [suite.verdict == "BLOCK" for suite in decision.suites] + [True]


def test_one_scale_holds_for_all_rows(decision: Decision) -> None:
    plot = difference_plot(decision, POLICY)
    by_name = {suite.suite: suite for suite in decision.suites}
    scales = [(row.base.at - plot.zero) / by_name[row.name].difference for row in plot.rows if row.name in by_name]
    assert len(scales) == 3 and scales == pytest.approx([scales[0]] * 3, rel=0.005)


def test_guarded_slices_come_first_and_have_their_bound(decision: Decision) -> None:
    support = next(suite for suite in decision.suites if suite.suite == "support")
    plot = slice_plot(support)
    assert plot is not None and [row.name for row in plot.rows] == ["refund", "login"]
    assert plot.rows[0].bound is not None and plot.rows[1].bound is None
    assert slice_plot(decision.suites[0]) is None


def test_flips_are_shares_of_the_suite(decision: Decision) -> None:
    flips = flip_plot(decision.suites)
    share = float(flips.scale.removesuffix(" %")) / 100
    half = (RIGHT - LEFT) / 2
    for row, suite in zip(flips.rows, decision.suites, strict=True):
        assert row.lost == pytest.approx(half * suite.losses / suite.n / share, abs=0.01)
        assert row.gained == pytest.approx(half * suite.gains / suite.n / share, abs=0.01)
        assert max(row.lost, row.gained) <= half


def test_a_sparkline_rises_with_its_values_and_is_flat_where_they_are() -> None:
    places = [tuple(map(float, point.split(","))) for point in sparkline([0.2, 0.4, 0.3]).split()]
    assert [x for x, _ in places] == [0, 60, 120]
    assert places[1][1] < places[2][1] < places[0][1]
    assert {point.split(",")[1] for point in sparkline([0.5, 0.5]).split()} == {"14.0"}
