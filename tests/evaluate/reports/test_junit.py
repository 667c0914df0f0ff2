"""The gate on the test page of a CI system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.decision import Decision
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.reports.junit import junit
from assay.findings import Verdict


def outcomes(document: str) -> dict[str, str]:
    suite = fromstring(document).find("testsuite")
    assert suite is not None
    found = {case.attrib["name"]: _outcome(case) for case in suite.findall("testcase")}
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert suite.attrib[name] == str(sum(outcome == kind for outcome in found.values()))
    assert suite.attrib["tests"] == str(len(found))
    return found


def _outcome(case: Element) -> str:
    return next((child.tag for child in case if child.tag != "system-out"), "passed")


@pytest.fixture
def judged(synthetic: Callable[..., Evaluation], suite: Any) -> Callable[..., Decision]:
    def judge(*, loss: float = 0.0, fixed: bool = False, policy: Policy | None = None, n: int = 1500) -> Decision:
        domain = suite(
            "support", n=300, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None
        )
        facts = suite("facts", n=n, gain=-loss, discordance=max(loss, 0.02))
        grammar = suite("grammar", n=n, discordance=0.02, fixed=fixed)
        return gate(synthetic(domain, facts, grammar), policy or Policy())

    return judge


def test_a_pass_passes_in_every_case(judged: Callable[..., Decision]) -> None:
    decision = judged()
    assert decision.verdict is Verdict.PASS
    assert set(outcomes(junit(decision, Policy())).values()) == {"passed"}


def test_what_blocks_is_a_failure_of_the_suite_that_lost(judged: Callable[..., Decision]) -> None:
    decision = judged(loss=0.2)
    assert decision.verdict is Verdict.BLOCK
    found = outcomes(junit(decision, Policy()))
    assert found["verdict"] == found["facts"] == "failure" and found["grammar"] == "passed"


def test_a_suite_that_shows_nothing_is_an_error_and_an_optional_one_is_skipped(judged: Callable[..., Decision]) -> None:
    assert outcomes(junit(judged(fixed=True), Policy()))["grammar"] == "error"
    roles = {"support": SuitePolicy("domain"), "facts": SuitePolicy("general")}
    policy = Policy(suites={**roles, "grammar": SuitePolicy("general", required=False)})
    assert outcomes(junit(judged(fixed=True, policy=policy), policy))["grammar"] == "skipped"


def test_inconclusive_is_an_error_unless_the_policy_says_warn(judged: Callable[..., Decision]) -> None:
    decision = judged(n=100)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert outcomes(junit(decision, Policy()))["verdict"] == "error"
    assert outcomes(junit(decision, replace(Policy(), on_inconclusive="warn")))["verdict"] == "skipped"


def test_text_of_items_cannot_break_the_document(judged: Callable[..., Decision]) -> None:
    decision = replace(judged(), reasons=("</testcase> \x00\x1b[31m \ud800 \uffff ]]> & <b>",))
    case = fromstring(junit(decision, Policy())).find("testsuite/testcase")
    assert case is not None and "</testcase> [31m   ]]> & <b>" in (case.findtext("system-out") or "")


def test_a_guarded_slice_is_a_case_of_its_own_and_one_in_doubt_holds_nothing_back(
    synthetic: Callable[..., Evaluation], suite: Any
) -> None:
    domain = suite("support", n=300, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    facts = suite("facts", n=900, gain=-0.02, discordance=0.04, slices=("old", "new", "rare"))
    slices = {"old": SlicePolicy(0.3), "new": SlicePolicy(0.0001)}
    policy = Policy(margin=0.1, guardrail=0.2, suites={
        "support": SuitePolicy("domain"), "facts": SuitePolicy("general", slices=slices)})  # fmt: skip
    decision = gate(synthetic(domain, facts), policy)
    found = outcomes(junit(decision, policy))
    assert found["facts, slice old"] == "passed" and "facts, slice rare" not in found
    verdict = next(part.verdict for part in decision.suites[1].guarded if part.name == "new")
    assert found["facts, slice new"] == {"BLOCK": "failure", "INCONCLUSIVE": "skipped"}[str(verdict)]
