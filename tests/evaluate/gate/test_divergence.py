"""KL to the base from the log-likelihoods of options."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.divergence import (
    Divergence,
    divergence_of,
    item_divergences,
    mean_divergence,
    option_divergence,
)
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.pairs import pair
from assay.evaluate.gate.policy import Policy
from assay.evaluate.statistics.intervals import Interval
from assay.findings import Verdict

LOGPROBS = st.lists(st.floats(-80, -0.01), min_size=2, max_size=6)


@given(LOGPROBS, st.data())
def test_agrees_with_scipys_relative_entropy(base: list[float], data: st.DataObject) -> None:
    candidate = data.draw(st.lists(st.floats(-80, -0.01), min_size=len(base), max_size=len(base)))
    expected = stats.entropy(special.softmax(candidate), special.softmax(base))
    assert option_divergence(candidate, base) == pytest.approx(float(expected), rel=1e-6, abs=1e-9)


def test_a_worked_example() -> None:
    """P = (0.36, 0.48, 0.16), Q = (1/3, 1/3, 1/3): KL(P || Q) = 0.0852996 and KL(Q || P) = 0.0974550 nats (Wikipedia,
    "Kullback-Leibler divergence", basic example, after Kullback 1959). A common factor cancels."""
    p, q = np.log([0.36, 0.48, 0.16]) - 7, np.log([1 / 3] * 3) - 20
    assert option_divergence(p.tolist(), q.tolist()) == pytest.approx(0.0852996, abs=5e-8)
    assert option_divergence(q.tolist(), p.tolist()) == pytest.approx(0.0974550, abs=5e-8)


def with_options(evaluation: Evaluation, shift: float, *, suites: tuple[str, ...] = ("general",)) -> Evaluation:
    """Four options an item; the candidate's likelihood of the first is changed by `shift`."""
    rng = np.random.default_rng(0)
    rows = evaluation.items.to_pylist()
    base: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if not row["suite"].startswith(suites) or row["model"] not in ("base", "candidate"):
            continue
        key = (row["suite"], row["item_id"])
        base.setdefault(key, rng.normal(-3, 1, 4).tolist())
        moved = [base[key][0] + shift, *base[key][1:]] if row["model"] == "candidate" else base[key]
        row["option_logprobs"] = json.dumps(moved)
    return replace(evaluation, items=pa.Table.from_pylist(rows, schema=evaluation.items.schema))


@pytest.fixture
def evaluation(synthetic: Callable[..., Evaluation], suite: Any) -> Evaluation:
    domain = suite("support", n=300, p_base=0.3, gain=0.15, discordance=0.2, p_damaged=0.02, chance=None, kind="suite")
    return synthetic(suite("general_a", n=1500), suite("general_b", n=1500, cluster_size=5), domain)


def test_the_mean_and_its_interval_agree_with_scipy(evaluation: Evaluation) -> None:
    moved = with_options(evaluation, 0.5)
    known = item_divergences(moved.items)
    found = divergence_of(pair(moved)["general_a"], known)
    values = np.array(list(known["general_a"].values()))
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert found is not None and found.n == 1500
    assert found.mean == pytest.approx(values.mean())
    assert tuple(found.ci) == pytest.approx((expected.low, expected.high), rel=1e-6)
    assert found.p_above(0.02) == pytest.approx(stats.ttest_1samp(values, 0.02, alternative="greater").pvalue, rel=1e-6)
    assert found.p_below(0.02) == pytest.approx(stats.ttest_1samp(values, 0.02, alternative="less").pvalue, rel=1e-6)


def test_clusters_widen_the_interval_as_cluster_robust_least_squares_do(evaluation: Evaluation) -> None:
    import statsmodels.api as sm

    moved = with_options(evaluation, 0.5)
    suite, known = pair(moved)["general_b"], item_divergences(moved.items)
    found = divergence_of(suite, known)
    values = np.array([known["general_b"][item] for item in suite.item_ids])
    groups = np.array([int(str(cluster)[1:]) for cluster in suite.clusters])
    fit = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    assert found is not None
    k = len(set(groups))
    assert found.variance == pytest.approx(float(fit.bse[0]) ** 2 * k / (k - 1), rel=1e-9)


def test_the_average_over_suites_has_satterthwaites_degrees_of_freedom() -> None:
    one = Divergence(100, 0.1, Interval(0, 1), 0.0004, 99.0)
    other = Divergence(20, 0.3, Interval(0, 1), 0.0100, 19.0)
    found = mean_divergence([one, other])
    assert found is not None and found.mean == pytest.approx(0.2) and found.n == 120
    assert found.variance == pytest.approx((0.0004 + 0.01) / 4)
    assert found.df == pytest.approx((0.0004 + 0.01) ** 2 / (0.0004**2 / 99 + 0.01**2 / 19))
    assert mean_divergence([]) is None


def test_nothing_moved_is_zero_and_generated_answers_are_not_measured(evaluation: Evaluation) -> None:
    decision = gate(with_options(evaluation, 0.0), Policy())
    kl = {suite.suite: suite.kl for suite in decision.suites}
    assert kl["general_a"] is not None and kl["general_a"].mean == 0.0
    assert kl["support"] is None and decision.macro is not None and decision.macro.kl is not None


@pytest.mark.parametrize(("limit", "verdict"), [(0.2, Verdict.PASS), (0.02, Verdict.BLOCK)])
def test_a_limit_of_the_policy_is_proved_to_be_kept_or_broken(
    evaluation: Evaluation, limit: float, verdict: Verdict
) -> None:
    decision = gate(with_options(evaluation, 0.8), Policy(max_kl=limit))
    assert decision.macro is not None and decision.macro.kl is not None and 0.03 < decision.macro.kl.mean < 0.15
    assert decision.verdict is verdict
    assert any(
        "KL to the base is" in reason and f"more than the max_kl of {limit:g}" in reason for reason in decision.reasons
    )


def test_a_limit_near_the_mean_is_inconclusive_with_the_items_needed(evaluation: Evaluation) -> None:
    moved = with_options(evaluation, 0.8)
    free = gate(moved, Policy())
    assert free.macro is not None and free.macro.kl is not None
    decision = gate(moved, Policy(max_kl=free.macro.kl.mean * 1.01))
    assert decision.verdict is Verdict.INCONCLUSIVE and decision.items_needed is not None
    assert "is not excluded" in decision.reasons[0] and "of the general suites together" in decision.reasons[-1]


def test_a_limit_that_nothing_was_measured_for_is_invalid(evaluation: Evaluation) -> None:
    decision = gate(evaluation, Policy(max_kl=0.1))
    assert decision.verdict is Verdict.INVALID
    assert "it was measured on no general suite" in decision.reasons[0]


@pytest.mark.parametrize("odd", ["[-1.0]", "[-1.0, -2.0, -3.0]", "[-Infinity, -1.0, -1.0, -1.0]"])
def test_options_that_cannot_be_compared_are_left_out(evaluation: Evaluation, odd: str) -> None:
    moved = with_options(evaluation, 0.5)
    rows = moved.items.to_pylist()
    for row in rows:
        if row["item_id"] == "general_a-0" and row["model"] == "candidate":
            row["option_logprobs"] = odd
    items = pa.Table.from_pylist(rows, schema=moved.items.schema)
    found = divergence_of(pair(moved)["general_a"], item_divergences(items))
    assert found is not None and found.n == 1499 and math.isfinite(found.mean)
