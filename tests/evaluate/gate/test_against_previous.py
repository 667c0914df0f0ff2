"""The candidate against base and last release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.against_previous import compare_each, compare_mean
from assay.evaluate.gate.comparison import differences_of, estimate_mean
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.pairs import pair
from assay.evaluate.gate.policy import Policy
from assay.findings import Verdict

Make = Callable[..., Evaluation]


@pytest.fixture
def make(synthetic: Make, suite: Any) -> Make:
    """The last release differs from the base by `domain` on the domain suite, and by `general` on the general ones."""

    def evaluation(domain: float = 0.1, general: float = 0.0, n: int = 1500) -> Evaluation:
        own = suite("support", n=600, p_base=0.3, gain=0.15, discordance=0.2, p_damaged=0.02, chance=None, kind="suite",
                    previous_gain=domain)  # fmt: skip
        others = [suite(f"general_{i}", n=n, discordance=0.04, previous_gain=general) for i in range(3)]
        return synthetic(*others, own)

    return evaluation


def test_the_difference_is_over_the_items_that_both_answered(make: Make) -> None:
    evaluation = make()
    rows = [
        row
        for row in evaluation.items.to_pylist()
        if not (row["suite"] == "general_0" and row["model"] == "previous" and row["item_id"].endswith("7"))
    ]
    partial = replace(evaluation, items=pa.Table.from_pylist(rows, schema=evaluation.items.schema))
    suites = [found for name, found in pair(partial).items() if name != "support"]
    first, *_ = compare_each(suites, [0.05] * 3)
    asked = suites[0].answers["previous"].asked
    expected = (suites[0].candidate.scores - suites[0].answers["previous"].scores)[asked]
    assert first is not None and first.change.n == 1350
    assert first.change.difference == pytest.approx(expected.mean())
    assert first.change.ci.low <= expected.mean() <= first.change.ci.high
    together = compare_mean(suites, 0.02)
    assert together is not None and together.change.n == 1350 + 1500 + 1500
    differences = [s.candidate.scores - s.answers["previous"].scores for s in suites[1:]]
    means = [expected.mean(), *(values.mean() for values in differences)]
    assert together.change.difference == pytest.approx(sum(means) / 3)


def test_a_release_that_was_not_scored_everywhere_has_no_average(make: Make) -> None:
    evaluation = make()
    keep = [not (r["suite"] == "general_1" and r["model"] == "previous") for r in evaluation.items.to_pylist()]
    suites = pair(replace(evaluation, items=evaluation.items.filter(pa.array(keep))))
    assert compare_mean([suites[f"general_{i}"] for i in range(3)], 0.02) is None
    assert compare_each([suites["general_1"]], [0.05]) == [None]


def test_against_itself_it_is_the_test_against_the_base(make: Make) -> None:
    evaluation = make()
    rows = evaluation.items.to_pylist()
    base = {(r["suite"], r["item_id"]): r["score"] for r in rows if r["model"] == "base"}
    for row in rows:
        if row["model"] == "previous":
            row["score"] = base[row["suite"], row["item_id"]]
    same = replace(evaluation, items=pa.Table.from_pylist(rows, schema=evaluation.items.schema))
    suites = [found for name, found in pair(same).items() if name != "support"]
    found = compare_mean(suites, 0.02)
    assert found is not None
    assert found.found == estimate_mean([differences_of(s.differences, s.clusters) for s in suites], 0.02)


def test_a_release_that_was_better_at_general_things_blocks_where_the_loss_is_proved(make: Make) -> None:
    evaluation = make(general=0.06)
    decision = gate(evaluation, Policy())
    assert decision.verdict is Verdict.BLOCK
    assert "against the previous release general ability changed by" in decision.reasons[-1]
    assert "a loss beyond the margin of 2 points is proved" in decision.reasons[-1]
    assert decision.macro is not None and decision.macro.verdict is Verdict.BLOCK
    assert gate(evaluation, Policy(previous="ignore")).verdict is Verdict.PASS


def test_a_release_that_was_better_at_the_task_blocks_and_is_quoted(make: Make) -> None:
    evaluation = make(domain=0.4)
    decision = gate(evaluation, Policy())
    assert decision.verdict is Verdict.BLOCK
    assert (
        decision.reasons[0].startswith("support: the previous release had")
        and "the candidate has" in decision.reasons[0]
    )
    ignoring = gate(evaluation, Policy(previous="ignore"))
    support = next(suite for suite in ignoring.suites if suite.suite == "support")
    assert ignoring.verdict is Verdict.PASS and support.against_previous is not None


def test_to_prove_means_that_a_pass_needs_the_loss_to_be_excluded(make: Make) -> None:
    in_doubt = make(domain=0.19)
    assert gate(in_doubt, Policy()).verdict is Verdict.PASS
    decision = gate(in_doubt, Policy(previous="prove"))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "against the previous release" in decision.reasons[0] and "is not excluded" in decision.reasons[0]
    assert decision.items_needed is not None and "more items of support" in decision.reasons[-1]
    assert gate(make(domain=0.05), Policy(previous="prove")).verdict is Verdict.PASS


def test_the_first_release_has_only_the_base_to_be_held_against(synthetic: Make, suite: Any) -> None:
    domain = suite("support", n=600, p_base=0.3, gain=0.15, discordance=0.2, p_damaged=0.02, chance=None, kind="suite")
    others = [suite(f"general_{i}", n=1500, discordance=0.04) for i in range(3)]
    decision = gate(synthetic(*others, domain), Policy(previous="prove"))
    assert decision.verdict is Verdict.PASS
    assert any("no previous release was scored" in note for note in decision.notes)
