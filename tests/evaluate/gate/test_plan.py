"""The items that a policy needs, said before anything is scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.power import zt_ind_solve_power

from assay.evaluate.gate.plan import PlannedProof, in_words, items_to_exclude, plan, size_of
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.statistics.score_test import Strata, score_statistic
from assay.suites.general import general_names

SUITES = {
    "support": SuitePolicy("domain", slices={"refund": SlicePolicy(0.1)}),
    "facts": SuitePolicy("general"),
    "grammar": SuitePolicy("general"),
}


def by_name(proofs: list[PlannedProof]) -> dict[str, PlannedProof]:
    return {proof.what: proof for proof in proofs}


def test_items_to_exclude_a_loss_agree_with_statsmodels() -> None:
    expected = zt_ind_solve_power(effect_size=0.02 / 0.08**0.5, alpha=0.05, power=0.8, ratio=0, alternative="larger")
    assert items_to_exclude(0.02, 0.05, 0.08) == pytest.approx(expected, abs=2)
    assert items_to_exclude(0.0, 0.05, 0.08) is None


def test_that_many_items_exclude_the_margin_four_times_in_five() -> None:
    needed = items_to_exclude(0.02, 0.05, 0.08)
    assert needed is not None
    counts = np.random.default_rng(0).multinomial(needed, [0.04, 0.92, 0.04], size=1000)[:, None, :].astype(float)
    values = np.broadcast_to(np.array([-1.0, 0.0, 1.0]), counts.shape)
    z = score_statistic(Strata(values, counts, np.ones(1)), -0.02)
    assert (z > 1.645).mean() == pytest.approx(0.8, abs=0.04)


def test_without_sizes_it_says_what_is_needed() -> None:
    proofs = plan(Policy(suites=SUITES), {}, {})
    assert [proof.what for proof in proofs] == [
        "support", "average of the general suites", "facts", "grammar", "slice refund of support",
    ]  # fmt: skip
    assert all(proof.enough is None and proof.items is None and proof.needed for proof in proofs)
    assert "about 1,237 items in all exclude a loss of 2 points" in in_words(proofs, Policy())


def test_with_sizes_it_says_what_is_lacking() -> None:
    sizes = {
        "support": size_of([None] * 300, ["refund"] * 20 + ["login"] * 280),
        "facts": size_of([None] * 500, [None] * 500),
        "grammar": size_of([None] * 50, [None] * 50),
    }
    found = by_name(plan(Policy(suites=SUITES), sizes, {}))
    assert found["support"].enough and found["support"].items == 300
    assert found["facts"].enough and found["grammar"].enough is False
    assert found["slice refund of support"].items == 20 and found["slice refund of support"].enough is False
    average = found["average of the general suites"]
    assert average.items == 550 and average.enough is False and "worth about 182" in average.sentence


def test_items_that_share_a_cluster_are_worth_less() -> None:
    clustered = size_of([f"c{i // 10}" for i in range(300)], [None] * 300)
    found = by_name(plan(Policy(suites=SUITES), {"support": clustered}, {}))
    assert found["support"].enough is False and "since some share a cluster" in found["support"].sentence


def test_more_than_anybody_will_score_is_said() -> None:
    proofs = plan(Policy(margin=0.01, max_items=3000, suites=SUITES), {}, {})
    assert "more than max_items, 3,000" in by_name(proofs)["average of the general suites"].sentence


def test_slices_share_the_level_at_which_harm_is_proved() -> None:
    one = plan(Policy(suites={"s": SuitePolicy("domain", slices={"a": SlicePolicy()})}), {}, {})[-1].sentence
    many = SuitePolicy("domain", slices={name: SlicePolicy() for name in "abcdefgh"})
    several = plan(Policy(suites={"s": many}), {}, {})[-1].sentence
    figures = [int(said.partition("; about ")[2].split(" item")[0].replace(",", "")) for said in (one, several)]
    assert figures[0] < figures[1]


SUITE = """\
version: 1
name: support
data: support.jsonl
scorer: exact_match
"""


def test_the_command_reads_suites_and_bundled_tasks_and_no_model(shell: Callable[..., Any], tmp_path: Path) -> None:
    rows = [{"id": f"i{i}", "prompt": "p", "reference": "r", "slice": "refund"} for i in range(40)]
    (tmp_path / "support.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "support.yaml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text("version: 1\n", encoding="utf-8")
    code, out, _ = shell("gate", "--plan", "--suite", "support.yaml", "--include-path", "bundled:small")
    assert code == 0 and "too few  support: about 149 items prove a gain of 10 points" in out
    assert out.count("exclude a loss beyond its guardrail") == len(general_names("small")) >= 6
    code, out, _ = shell("gate", "--plan", "--suite", "support.yaml", "--json")
    document = json.loads(out)
    assert code == 0 and document["proofs"][0]["items"] == 40 and document["proofs"][0]["enough"] is False
    code, out, err = shell("gate", "--plan", "--suite", "support.yaml", "--include-path", "bundled")
    assert code == 2 and not out and "bundled:medium" in err and err.count("\n") == 1
    code, out, err = shell("gate", "--plan", "--include-path", "bundled:smal")
    assert code == 2 and "did you mean 'small'" in err
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nsuites: {assay_medium_rules: {role: general}}\n", encoding="utf-8"
    )
    code, out, _ = shell("gate", "--plan", "--include-path", "bundled")
    assert code == 0 and out.count("there are") == 2


def test_what_goes_with_a_plan_alone_is_refused_otherwise(shell: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\n", encoding="utf-8")
    code, out, err = shell("gate", "--suite", "support.yaml")
    assert code == 2 and not out and "go with --plan" in err and err.count("\n") == 1
