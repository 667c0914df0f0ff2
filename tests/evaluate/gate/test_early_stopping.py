"""The loop stops at a proved BLOCK or when no PASS is left, says how much it spared, and the gate from files agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.evaluate.asking.examination import Item
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.early_stopping import LOOKS, Plan, make_plan, reason_to_stop
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy
from assay.findings import Verdict


@dataclass
class Asked:
    """As much of an examination as is planned."""

    name: str
    items: list[Item]


def plan_of(evaluation: Evaluation) -> Plan:
    rows = [row for row in evaluation.items.to_pylist() if row["model"] == "base"]
    asked: list[Any] = [
        Asked(
            suite.suite,
            [Item(r["item_id"], "", None, None, r["cluster"], "", 1) for r in rows if r["suite"] == suite.suite],
        )
        for suite in evaluation.suites
    ]
    return make_plan(asked, {one.name: range(len(one.items)) for one in asked})


def seen_at(evaluation: Evaluation, plan: Plan, look: int) -> Evaluation:
    """The evaluation as the loop has it after so many looks."""
    seen = {(suite, plan.items[suite][number].id) for suite in plan.groups for number in plan.upto(suite, look)}
    rows = [row for row in evaluation.items.to_pylist() if (row["suite"], row["item_id"]) in seen]
    settings = {**evaluation.settings, "complete": False, "planned": plan.to_json()}
    return replace(evaluation, items=pa.Table.from_pylist(rows, schema=evaluation.items.schema), settings=settings)


def stops_at(evaluation: Evaluation, policy: Policy | None = None) -> tuple[int, Verdict, str | None]:
    policy, plan = policy or Policy(), plan_of(evaluation)
    for look in range(1, LOOKS):
        so_far = seen_at(evaluation, plan, look)
        decision = gate(so_far, policy)
        reason = reason_to_stop(decision, so_far, plan, policy)
        if reason is not None:
            return look, decision.verdict, reason
    return LOOKS, gate(evaluation, policy).verdict, None


class TestWhen:
    """Over recorded answers whose truth is known."""

    def test_a_clear_loss_is_blocked_after_a_part_of_the_items(self, synthetic: Any, suite: Any) -> None:
        general = [suite(f"g{n}", n=400, gain=-0.06) for n in range(4)]
        found = synthetic(suite("mine", n=200, gain=0.15, kind="suite"), *general)
        look, verdict, reason = stops_at(found)
        assert (verdict, reason) == (Verdict.BLOCK, "a BLOCK is proved") and look <= LOOKS // 2

    def test_one_ruined_suite_is_blocked_too(self, synthetic: Any, suite: Any) -> None:
        general = [suite("ruined", n=400, gain=-0.3), suite("g1", n=400), suite("g2", n=400)]
        look, verdict, _ = stops_at(synthetic(suite("mine", n=200, gain=0.15, kind="suite"), *general))
        assert verdict is Verdict.BLOCK and look <= LOOKS // 2

    def test_a_pass_takes_every_planned_item(self, synthetic: Any, suite: Any) -> None:
        general = [suite(f"g{n}", n=400, gain=0.01, discordance=0.02) for n in range(4)]
        found = synthetic(suite("mine", n=200, gain=0.15, kind="suite"), *general)
        assert stops_at(found) == (LOOKS, Verdict.PASS, None)

    def test_it_goes_on_while_a_gain_is_possible_and_stops_when_none_is(self, synthetic: Any, suite: Any) -> None:
        mine = suite("mine", n=60, gain=0.0, discordance=0.0, kind="suite")
        found = synthetic(mine, *[suite(f"g{n}", n=200, discordance=0.02) for n in range(4)])
        look, verdict, reason = stops_at(found)
        assert verdict is Verdict.INCONCLUSIVE and reason is not None
        assert reason.endswith("were every item still to come a gain, none would be proved on mine")
        assert look == LOOKS - 1, "three gains without a loss give p = 0.063 by the mid-p test, four 0.031"

    def test_it_stops_where_the_least_score_is_out_of_reach(self, synthetic: Any, suite: Any) -> None:
        """0.6 and a gain of 0.1: of 200 items some 60 are wrong in the end, where 12 at most may be."""
        general = [suite(f"g{n}", n=100, discordance=0.02) for n in range(2)]
        found = synthetic(suite("mine", n=200, gain=0.1, kind="suite"), *general)
        look, verdict, reason = stops_at(found, Policy(min_score=0.9))
        assert verdict is Verdict.INCONCLUSIVE and 2 <= look <= LOOKS // 2
        assert reason is not None and reason.endswith("a score above the min_score would not be proved on mine")

    def test_what_must_pass_and_does_not_is_no_reason_to_go_on(self, synthetic: Any, suite: Any) -> None:
        from assay.evaluate.gate.policy import SuitePolicy

        found = synthetic(suite("mine", n=200, gain=0.15, kind="suite"), suite("g", n=400, gain=0.0))
        plan = plan_of(found)
        first = {plan.items["mine"][number].id for number in plan.upto("mine", 6)}
        wrong = next(
            row["item_id"]
            for row in found.items.to_pylist()
            if row["model"] == "candidate" and row["item_id"] in first and row["score"] == 0.0
        )
        suites = {"mine": SuitePolicy("domain", must_pass=(wrong,)), "g": SuitePolicy("general")}
        look, verdict, _ = stops_at(found, Policy(suites=suites))
        assert verdict is Verdict.BLOCK and look < LOOKS


class TestPlan:
    def test_every_item_is_asked_once_and_every_look_holds_the_one_before(self, synthetic: Any, suite: Any) -> None:
        found = synthetic(suite("a", n=203), suite("b", n=60, cluster_size=4))
        plan = plan_of(found)
        for name, n in (("a", 203), ("b", 60)):
            looks = [plan.upto(name, look) for look in range(LOOKS + 1)]
            assert looks[0] == [] and sorted(looks[-1]) == list(range(n))
            assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(looks))
        clusters = [plan.items["b"][number].cluster for number in plan.upto("b", 10)]
        assert all(clusters.count(cluster) == 4 for cluster in clusters), "a cluster is bet on as a whole"

    def test_what_was_bet_on_at_a_look_stays_bet_on(self, synthetic: Any, suite: Any) -> None:
        """The evidence at a look is that of the first rounds of the whole."""
        found = synthetic(suite("mine", n=100, kind="suite"), suite("g1", n=200, gain=-0.03), suite("g2", n=130))
        plan = plan_of(found)
        values = []
        for look in range(4, LOOKS):
            macro = gate(seen_at(found, plan, look), Policy()).macro
            if macro is not None and macro.suites == ("g1", "g2"):
                values.append(macro.e_value)
        assert len(values) > 5 and values == sorted(values), "the largest evidence so far can only grow"


def answers_of_the_base(shell: Callable[..., Any], model: Path) -> dict[str, str]:
    _, out, _ = shell("evaluate", "--model", model, "--suite", "s.yaml", "--json", "-o", "known")
    rows = pq.read_table(json.loads(out)["items"]).to_pylist()
    return {row["item_id"]: row["output"] for row in rows}


OPTIONS = ("mat", "sat", "cat", "yes")


class TestFromTheShell:
    """A tiny model of random weights answers; of its own answers most are made the references."""

    @pytest.fixture
    def suites(self, shell: Callable[..., Any], make_suite: Callable[..., Path], tiny_model: Path) -> list[str]:
        rows = [
            {"id": f"i{n}", "prompt": f"cat {n}", "reference": 0, "choices": [f"{word} {n}" for word in OPTIONS]}
            for n in range(400)
        ]
        make_suite("s", rows, scorer="multiple_choice")
        known = answers_of_the_base(shell, tiny_model)
        for place, name in enumerate(("mine", "first", "second")):
            own = rows[place::3][:130]
            wrong = {row["id"] for row in own[::5]}
            changed = [
                row | {"reference": next(c for c in row["choices"] if (c == known[row["id"]]) != (row["id"] in wrong))}
                for row in own
            ]
            make_suite(name, changed, scorer="multiple_choice")
        Path("policy.yaml").write_text(
            "version: 1\nsuites: {mine: {role: domain}, first: {role: general}, second: {role: general}}\n"
        )
        return [part for name in ("mine", "first", "second") for part in ("--suite", f"{name}.yaml")]

    def test_a_ruined_candidate_is_blocked_early_and_the_certificate_says_where(
        self, shell: Callable[..., Any], suites: list[str], tiny_model: Path, make_adapter: Callable[..., Path]
    ) -> None:
        ruined = make_adapter("ruined", scale=3.0)
        code, out, err = shell(
            "evaluate", "--model", tiny_model, "--adapter", ruined, *suites, "--stop-early", "-o", "out", "--json"
        )
        document = json.loads(out)
        stopping = document["settings"]["stopping"]
        assert code == 0 and document["settings"]["complete"] is False
        assert stopping["reason"] == "a BLOCK is proved" and stopping["look"] < LOOKS
        scored = sum(stopping["items"].values())
        assert scored == sum(suite["scores"][0]["n"] for suite in document["suites"])
        assert stopping["spared"] == sum(stopping["planned"].values()) - scored > 100
        looks = [line for line in err.splitlines() if line.startswith("evaluate: look ")]
        assert len(looks) == stopping["look"] - 1 and "of 390 items, not decided yet" in looks[-1]
        assert not any(line.endswith("/7") for line in err.splitlines()), "a line a look, not one a part"
        assert f"stopped early after {scored} of 390 items ({stopping['spared']} spared)" in err
        code, out, _ = shell("gate", "out", "-o", "release", "--json")
        decision = json.loads(out)
        assert code == 3 and decision["verdict"] == "BLOCK"
        assert any(note.startswith(f"stopped early after {scored} of 390 items") for note in decision["notes"])
        certificate = json.loads(Path("release/certificate.json").read_text())
        assert certificate["stopping"] == stopping
        assert shell("verify", "release")[0] == 0

    def test_without_a_policy_or_a_candidate_there_is_nothing_to_stop_by(
        self, shell: Callable[..., Any], make_suite: Callable[..., Path], tiny_model: Path, tiny_adapter: Path
    ) -> None:
        make_suite("s", [{"id": "a", "prompt": "b", "reference": "c"}])
        arguments = ["evaluate", "--model", tiny_model, "--suite", "s.yaml", "--stop-early"]
        code, _, err = shell(*arguments, "--adapter", tiny_adapter)
        assert code == 2 and "policy.yaml" in err.splitlines()[-1]
        Path("policy.yaml").write_text("version: 1\n")
        code, _, err = shell(*arguments)
        assert code == 2 and err.splitlines()[-1].startswith("assay: stopping early takes a candidate")
