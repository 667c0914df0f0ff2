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


def test_a_suite_in_doubt_that_holds_nothing_back_is_no_error(synthetic: Callable[..., Evaluation], suite: Any) -> None:
    domain = suite("support", n=300, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    general = [suite(f"facts{n}", n=60, p_base=0.7, discordance=0.06) for n in range(12)]
    policy = Policy(margin=0.1, guardrail=0.02)
    decision = gate(synthetic(domain, *general), policy)
    assert decision.verdict is Verdict.PASS
    assert Verdict.INCONCLUSIVE in {suite.verdict for suite in decision.suites}
    assert set(outcomes(junit(decision, policy)).values()) == {"passed", "skipped"}
    strict = replace(policy, require_guardrail_proof=True)
    assert "error" in outcomes(junit(gate(synthetic(domain, *general), strict), strict)).values()


def test_an_optional_suite_that_blocks_is_a_failure(judged: Callable[..., Decision]) -> None:
    roles = {"support": SuitePolicy("domain"), "grammar": SuitePolicy("general")}
    policy = Policy(suites={**roles, "facts": SuitePolicy("general", required=False)})
    decision = judged(loss=0.2, policy=policy)
    assert decision.verdict is Verdict.BLOCK
    assert outcomes(junit(decision, policy))["facts"] == "failure"


def messages(document: str) -> dict[str, str]:
    """What stands beside each case that did not pass."""
    cases = fromstring(document).iter("testcase")
    return {case.attrib["name"]: child.attrib["message"] for case in cases for child in case if child.attrib}


def test_why_stands_in_the_message_itself(judged: Callable[..., Decision]) -> None:
    """A list of failures shows messages and no more."""
    invalid = messages(junit(judged(fixed=True), Policy()))
    assert "INVALID: grammar could not have shown a regression: " in invalid["verdict"]
    assert invalid["grammar"].startswith("INVALID: ") and len(invalid["grammar"]) > 40
    blocked = messages(junit(judged(loss=0.2), Policy()))
    assert blocked["facts"].startswith("BLOCK: facts went from ")
    assert blocked["facts"].endswith("a loss beyond the guardrail of 5 points is proved")
    assert blocked["general ability"].startswith("BLOCK: -")
    unknown = messages(junit(judged(n=100), Policy()))
    assert "is not excluded" in unknown["verdict"] and "more items" in unknown["verdict"]


@pytest.mark.parametrize(
    ("roles", "verdict", "says"),
    [
        ({"support": SuitePolicy("domain", must_pass=("nowhere-1",))}, "INVALID", "has no item nowhere-1, which must"),
        ({"facts": SuitePolicy("general", slices={"new": SlicePolicy(0.1)})}, "INVALID", "has no slice new, which the"),
        ({"facts": SuitePolicy("general", must_pass=("facts-7",))}, "BLOCK", "1 item that must pass did not (facts-7)"),
    ],
)
def test_an_item_or_slice_of_the_policy_is_named_in_the_message(
    judged: Callable[..., Decision], roles: dict[str, SuitePolicy], verdict: str, says: str
) -> None:
    every = {"support": SuitePolicy("domain"), "facts": SuitePolicy("general"), "grammar": SuitePolicy("general")}
    policy = Policy(suites=every | roles)
    decision = judged(policy=policy)
    named = next(iter(roles))
    assert messages(junit(decision, policy))[named].startswith(f"{verdict}: {named} ")
    assert says in messages(junit(decision, policy))[named]


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
