"""What an evaluation can prove under a policy is said before a model is loaded, of the items that will be scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SettingsError
from assay.evaluate.gate.planned import before_scoring
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.settings import EvaluateSettings
from assay.suites import read_suite

ROWS = [{"id": f"i{n}", "prompt": f"say {n}", "reference": "a", "slice": "x" if n < 30 else "y"} for n in range(200)]
FACTS = [{"id": f"t{n}", "question": f"the cat {n}", "choices": ["yes", "no"], "answer": n % 2} for n in range(40)]
SUPPORT = SuitePolicy("domain", slices={"x": SlicePolicy()})


@pytest.fixture
def said(make_suite: Callable[..., Path], make_task: Callable[..., Path]) -> Callable[..., list[str]]:
    suite = read_suite(make_suite("support", ROWS))
    make_task("other", FACTS[:5], tag="mine")
    folder = make_task("facts", FACTS)

    def run(policy: Policy, **settings: Any) -> list[str]:
        return before_scoring(policy, [suite], [folder], EvaluateSettings(**settings))

    return run


def test_each_proof_of_a_pass_is_said_with_what_there_is(said: Callable[..., list[str]]) -> None:
    policy = Policy(margin=0.05, guardrail=0.1, suites={"support": SUPPORT, "facts": SuitePolicy("general")})
    lines = said(policy)
    assert lines[0].startswith("plan: enough: support: about 149 items prove a gain of 10 points")
    assert lines[1].startswith("plan: TOO FEW: average of the general suites: about ") and "there are 40" in lines[1]
    assert "of facts, slice x of support, which blocks nothing; `assay gate --plan`" in lines[2] and len(lines) == 3


def test_items_that_will_not_be_scored_do_not_count(said: Callable[..., list[str]]) -> None:
    policy = Policy(suites={"support": SuitePolicy("domain")})
    assert "TOO FEW: support" in said(policy, limit=50)[0] and "the 50 items prove" in said(policy, limit=50)[0]
    halves = [int(said(policy, items=part)[0].split("; the ")[1].split(" ")[0]) for part in ("selection", "gate")]
    assert sum(halves) == 200 and min(halves) > 70


def test_guardrails_are_said_one_by_one_where_a_pass_needs_them(said: Callable[..., list[str]]) -> None:
    lines = said(Policy(require_guardrail_proof=True, suites={"facts": SuitePolicy("general")}))
    assert any(line.startswith("plan: TOO FEW: facts: about ") for line in lines)


def test_a_suite_that_is_required_and_not_scored_is_a_warning(said: Callable[..., list[str]]) -> None:
    policy = Policy(suites={"suport": SuitePolicy("domain"), "gone": SuitePolicy("general", required=False)})
    assert said(policy)[0] == (
        "WARNING: the policy requires suport, which will not be scored: the verdict will be INVALID"
    )
    assert not said(policy, tasks=("a_group_of_lm_eval",))[0].startswith("WARNING")
    by_tag = Policy(suites={"other": SuitePolicy("general"), "facts": SuitePolicy("general")})
    assert "requires facts," in said(by_tag, tasks=("mine",))[0]


class TestFromTheShell:
    """Before a model is loaded: there is none here, and the evaluation ends there."""

    @pytest.fixture
    def begun(
        self, shell: Callable[..., Any], make_suite: Callable[..., Path], tiny_model: Path, tmp_path: Path
    ) -> Callable[..., tuple[int, str]]:
        make_suite("support", ROWS)
        (tmp_path / "adapter").mkdir()

        def run(*more: str | Path) -> tuple[int, str]:
            given = ("--model", tiny_model, "--adapter", "adapter", "--suite", "support.yaml")
            code, _, err = shell("evaluate", *given, *more)
            return code, err

        return run

    def test_the_policy_in_the_folder_is_meant(self, begun: Callable[..., Any], tmp_path: Path) -> None:
        (tmp_path / "policy.yaml").write_text("version: 1\nsuites: {support: {role: domain}}\n")
        code, err = begun("--limit", "9")
        assert code == 2 and "plan: TOO FEW: support: about 149 items" in err and "no adapter_config.json" in err

    def test_a_policy_that_cannot_be_read_stops_only_who_named_it(
        self, begun: Callable[..., Any], tmp_path: Path
    ) -> None:
        (tmp_path / "policy.yaml").write_text("version: 1\nalpha: 7\n")
        code, err = begun()
        assert "WARNING: the gate will not take this policy: policy.yaml:2: 'alpha' is 7" in err
        assert "no adapter_config.json" in err
        code, err = begun("--policy", "policy.yaml")
        assert code == 2 and err.splitlines()[-1].startswith("assay: policy.yaml:2: 'alpha' is 7")

    def test_no_policy_is_no_matter(self, begun: Callable[..., Any]) -> None:
        code, err = begun()
        assert code == 2 and "plan:" not in err and "policy" not in err


def test_a_pairwise_judge_that_the_policy_calls_general_is_met_before_anything_is_asked(
    shell: Callable[..., Any], make_suite: Callable[..., Path], tiny_model: Path, tmp_path: Path
) -> None:
    make_suite("pairs", ROWS, scorer={"name": "llm_judge", "provider": "openai", "model": "m", "mode": "pairwise"})
    (tmp_path / "policy.yaml").write_text("version: 1\nsuites: {pairs: {role: general}}\n")
    given = ("evaluate", "--model", tiny_model, "--suite", "pairs.yaml", "--policy", "policy.yaml")
    code, _, err = shell(*given)
    assert code == 2 and "policy.yaml: 'pairs' has the role general, and its judge is pairwise" in err
    assert SettingsError.__name__ not in err
