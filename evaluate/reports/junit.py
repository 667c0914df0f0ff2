"""A gate for the test page of a CI system: JUnit XML, as GitLab, Jenkins, Azure and GitHub's actions read it.

One test case for the verdict, one for each suite and guarded slice, and one for the average over the general suites.
What blocks is a failure; what could not be judged is an error, since nothing was shown; what could not be judged and
holds nothing back is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from assay.findings import Verdict

from ..gate.decision import Decision, SliceDecision, SuiteDecision
from ..gate.policy import Policy
from ..wording import interval, points, size

Outcome = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True)
class _Case:
    name: str
    outcome: Outcome
    message: str
    detail: str = ""


def junit(decision: Decision, policy: Policy) -> str:
    """The document. Characters that XML cannot hold are left out, all others escaped."""
    cases = list(_cases(decision, policy))
    suite = Element(
        "testsuite",
        name="assay gate",
        tests=str(len(cases)),
        failures=str(sum(case.outcome == "failure" for case in cases)),
        errors=str(sum(case.outcome == "error" for case in cases)),
        skipped=str(sum(case.outcome == "skipped" for case in cases)),
    )
    for case in cases:
        element = SubElement(suite, "testcase", classname="assay.gate", name=_xml_text(case.name), time="0")
        if case.outcome == "passed":
            SubElement(element, "system-out").text = _xml_text("\n".join(filter(None, [case.message, case.detail])))
        else:
            SubElement(element, case.outcome, message=_xml_text(case.message)).text = _xml_text(case.detail)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _cases(decision: Decision, policy: Policy) -> Iterator[_Case]:
    reasons = "\n".join([*decision.reasons, *(f"note: {note}" for note in decision.notes)])
    yield _Case("verdict", _outcome(decision.verdict, policy), _verdict_message(decision), reasons)
    for suite in decision.suites:
        yield _suite_case(suite, policy)
        for part in suite.guarded:
            change = f"{part.verdict}: {points(part.difference)} ({interval(*part.shown)}), {part.n:,} items"
            guardrail = f"guardrail {size(part.guardrail or 0.0)}"
            yield _Case(f"{suite.suite}, slice {part.name}", _slice_outcome(part), change, guardrail)
    if decision.macro is not None:
        macro = decision.macro
        change = f"{macro.verdict}: {points(macro.difference)} on average ({interval(*macro.shown)}), {macro.n:,} items"
        yield _Case("general ability", _outcome(macro.verdict, policy), change, f"margin {size(policy.margin)}")


def _verdict_message(decision: Decision) -> str:
    """What is open, with the items that it takes, which stand last among the reasons."""
    if decision.verdict is Verdict.INCONCLUSIVE and len(decision.reasons) > 1:
        return f"{decision.sentence}; {decision.reasons[-1]}"
    return decision.sentence


def _suite_case(suite: SuiteDecision, policy: Policy) -> _Case:
    message = f"{suite.verdict}: {suite.reason}"
    if suite.verdict is Verdict.INVALID:
        return _Case(suite.suite, "error" if suite.required else "skipped", message, _checks(suite))
    moved = f"{suite.role} suite of {suite.n:,} items: {suite.gains} gained, {suite.losses} lost"
    needed = f"about {suite.items_needed:,} more items would probably decide it" if suite.items_needed else ""
    return _Case(suite.suite, _suite_outcome(suite, policy), message, "\n".join(filter(None, [moved, needed])))


def _suite_outcome(suite: SuiteDecision, policy: Policy) -> Outcome:
    """One that cannot be decided and holds nothing back is no error beside a verdict of PASS."""
    holds_back = suite.required and (suite.role == "domain" or policy.require_guardrail_proof)
    holds_back |= suite.least is not None and suite.least.open
    if suite.verdict is Verdict.INCONCLUSIVE and not holds_back:
        return "skipped"
    return _outcome(suite.verdict, policy)


def _checks(suite: SuiteDecision) -> str:
    """What each sensitivity check saw, a line each."""
    states = {True: "ok", False: "failed", None: "not run"}
    return "\n".join(f"{check.name}: {states[check.ok]}: {check.detail}" for check in suite.sensitivity.checks)


def _slice_outcome(part: SliceDecision) -> Outcome:
    """One that cannot be decided holds nothing back."""
    outcomes: dict[Verdict | None, Outcome] = {Verdict.BLOCK: "failure", Verdict.INCONCLUSIVE: "skipped"}
    return outcomes.get(part.verdict, "passed")


def _outcome(verdict: Verdict, policy: Policy) -> Outcome:
    if verdict is Verdict.PASS:
        return "passed"
    if verdict is Verdict.BLOCK:
        return "failure"
    if verdict is Verdict.INCONCLUSIVE and policy.on_inconclusive == "warn":
        return "skipped"
    return "error"


def _xml_text(text: str) -> str:
    """Only what XML 1.0 (section 2.2) calls a character."""
    return "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
