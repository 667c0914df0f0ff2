"""`--include-path bundled` with a tiny model: the tier is said, suites and tasks are scored side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy, read_policy
from assay.starting import Start, start_project

Shell = Callable[..., tuple[int, str, str]]
Scored = Callable[..., tuple[dict[str, dict[str, object]], str]]


@pytest.fixture
def scored(shell: Shell, tiny_model: Path) -> Scored:
    def run(*arguments: str) -> tuple[dict[str, dict[str, object]], str]:
        basic = ("evaluate", "--model", str(tiny_model), "--limit", "2", "--json", "-o", "out")
        code, out, err = shell(*basic, *arguments)
        assert code == 0, err
        return {suite["suite"]: suite for suite in json.loads(out)["suites"]}, err

    return run


def test_the_tier_of_the_base_is_taken_and_said(scored: Scored) -> None:
    suites, said = scored("--include-path", "bundled", "--tasks", "assay_facts,assay_short_answers")
    assert "bundled suites for about 0.1B" in said and "`bundled:medium`" in said
    assert {name: suite["kind"] for name, suite in suites.items()} == {
        "assay_facts": "lm_eval",
        "assay_short_answers": "general",
    }


def test_a_tier_that_does_not_exist_is_one_line(shell: Shell, tiny_model: Path) -> None:
    code, _, err = shell("evaluate", "--model", str(tiny_model), "--include-path", "bundled:medum")
    assert code == 2 and "no bundled suites 'medum'" in err and "medium" in err


@pytest.mark.parametrize(
    ("model", "tier"), [("org/Some-8B", "medium"), ("org/Some-72B-it", "large"), ("mine", "small")]
)
def test_init_names_the_tier_of_the_model_and_its_suites(tmp_path: Path, model: str, tier: str) -> None:
    rows = [{"instruction": f"Which colour is number {n}?", "output": ["red", "blue"][n % 2]} for n in range(60)]
    data = tmp_path / "data.json"
    data.write_text(json.dumps(rows), encoding="utf-8")
    start_project(Start((str(data),), "auto", {}, model, None, 0), tmp_path / "new", force=False, say=lambda _: None)
    settings = yaml.safe_load((tmp_path / "new" / "assay.yaml").read_text(encoding="utf-8"))
    assert settings["evaluate"]["include_path"] == f"bundled:{tier}"
    assert "tasks" not in settings["evaluate"]
    roles = {name: suite.role for name, suite in read_policy(tmp_path / "new" / "policy.yaml").suites.items()}
    assert roles.pop("data") == "domain"
    assert set(roles.values()) == {"general"} and len(roles) == (8 if tier == "small" else 10)


def test_a_suite_of_ones_own_may_say_that_it_is_general(synthetic: Callable[..., Evaluation], suite: Any) -> None:
    general = suite("mine", kind="general", chance=None)
    domain = suite("support", n=300, p_base=0.3, gain=0.2, p_damaged=0.02, chance=None, kind="suite")
    decision = gate(synthetic(general, domain), Policy())
    assert {found.suite: found.role for found in decision.suites} == {"mine": "general", "support": "domain"}
