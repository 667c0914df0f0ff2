"""Reports say what was decided, and never let an answer act as markup."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.reports.gate_page import html
from assay.evaluate.reports.gate_report import Report, make_report, markdown, terminal
from assay.evaluate.reports.junit import junit

HOSTILE = "<script>alert('x')</script> | ``` {{ 7*7 }} \x1b[31m\n# heading"


@pytest.fixture
def evaluation(synthetic: Callable[..., Evaluation], suite: Any) -> Evaluation:
    """One general suite is ruined; every wrong answer of the candidate there is hostile."""
    general = [suite("arc_easy"), suite("grammar", gain=-0.2)]
    domain = suite("support", n=300, p_base=0.3, gain=0.1, discordance=0.2, p_damaged=0.02, kind="suite",
                   slices=("refund", "login"), previous_gain=0.08)  # fmt: skip
    found = synthetic(*general, domain)
    rows = found.items.to_pylist()
    for row in rows:
        if row["suite"] == "grammar" and row["model"] == "candidate" and row["score"] == 0.0:
            row["output"] = HOSTILE
    return replace(found, items=pa.Table.from_pylist(rows, schema=found.items.schema))


def report(evaluation: Evaluation, *, redact: bool = False, policy: Policy | None = None) -> Report:
    policy = policy or Policy()
    return make_report(gate(evaluation, policy), evaluation, policy, redact=redact)


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_terminal_shows_verdict_reasons_a_table_and_both_answers(evaluation: Evaluation) -> None:
    text = terminal(report(evaluation))
    lines = text.splitlines()
    assert lines[0].startswith("BLOCK  ") and "guardrail of 5 points is proved" in lines[1]
    row = next(line for line in lines if line.startswith("support "))
    assert {"domain", "300", "PASS"} <= set(row.split())
    assert text.count("\ngained  ") == 3 and text.count("\nlost  grammar ") == 3
    assert all(word in text for word in ("reference", "base  ", "candidate  "))


def test_an_answer_cannot_steer_the_terminal(evaluation: Evaluation) -> None:
    assert "\x1b" not in terminal(report(evaluation))


def test_the_page_has_no_element_that_came_from_an_answer(evaluation: Evaluation) -> None:
    page = html(report(evaluation))
    found = Elements(page)
    assert "script" not in found.tags
    assert "&lt;script&gt;" in page and "{{ 7*7 }}" in page
    assert not any(name.startswith("on") or name in ("src", "href") for name, _ in found.attributes)


def test_the_page_stands_alone_and_may_load_nothing(evaluation: Evaluation) -> None:
    page = html(report(evaluation))
    assert "default-src 'none'" in page and "http://" not in page and "https://" not in page
    assert "prefers-color-scheme: dark" in page


def test_the_page_shows_suites_slices_previous_and_checks(evaluation: Evaluation) -> None:
    page = html(report(evaluation))
    for expected in ("BLOCK", "arc_easy", "grammar", "support", "refund", "previous", "damage shows", "above chance"):
        assert expected in page


def test_markdown_keeps_answers_in_their_fence(evaluation: Evaluation) -> None:
    text = markdown(report(evaluation))
    assert text.startswith("## BLOCK\n")
    fences = [line for line in text.splitlines() if line.startswith("```")]
    assert fences == ["```text", "```"] * (len(fences) // 2) and fences
    outside = "".join(part for index, part in enumerate(text.split("```")) if index % 2 == 0)
    assert "<script" not in outside
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 3  # suites, the commonest answer, the last release
    for table in tables:
        assert len({line.count("|") - line.count("\\|") for line in table}) == 1


def test_redact_keeps_references_and_answers_out(evaluation: Evaluation) -> None:
    hidden = report(evaluation, redact=True)
    for text in (terminal(hidden), markdown(hidden), html(hidden)):
        assert "warranty" not in text and "alert" not in text and "left out" in text


def test_the_answer_that_shows_a_fault_is_quoted_for_people_and_nowhere_else(evaluation: Evaluation) -> None:
    """In reasons it would go into certificates, JUnit pages and logs, whatever --redact says."""
    rows = evaluation.items.to_pylist()
    for row in rows:
        row["output"] = "I don't know, 'Ann'"
    same = replace(evaluation, items=pa.Table.from_pylist(rows, schema=evaluation.items.schema))
    found, hidden = report(same), report(same, redact=True)
    assert "the base gives the same answer to 100.0 % of items" in " ".join(found.decision.reasons)
    for text in (terminal(found), markdown(found), html(found)):
        assert "answers vary" in text and "know, " in text
    for text in (terminal(hidden), markdown(hidden), html(hidden), json.dumps(found.decision.to_json())):
        assert "know, " not in text
    assert "know, " not in junit(found.decision, found.policy)


def test_what_shows_a_fault_of_a_suite_that_was_set_aside_stands_among_the_notes(evaluation: Evaluation) -> None:
    """Among the reasons it looked as if the verdict rested on it."""
    rows = evaluation.items.to_pylist()
    for row in rows:
        if row["suite"] == "grammar":
            row["output"] = "always this"
    same = replace(evaluation, items=pa.Table.from_pylist(rows, schema=evaluation.items.schema))
    optional = Policy(
        suites={
            "support": SuitePolicy("domain"),
            "arc_easy": SuitePolicy("general"),
            "grammar": SuitePolicy("general", required=False),
        }
    )
    found = report(same, policy=optional)
    assert not found.quotes and "always this" in found.quotes_set_aside[0]
    for text, notes in ((terminal(found), "note: grammar"), (markdown(found), "<summary>Notes")):
        assert 0 < text.index(notes) < text.index("grammar, answers vary: ")


def guarded() -> Policy:
    """The slice refund has 150 items, of which many are gained; login is held to hardly any loss."""
    slices = {"refund": SlicePolicy(0.1), "login": SlicePolicy(0.001)}
    general = {name: SuitePolicy("general") for name in ("arc_easy", "grammar")}
    return Policy(suites={**general, "support": SuitePolicy("domain", slices=slices)})


def test_guarded_slices_flips_divergence_and_the_previous_release_are_shown_everywhere(evaluation: Evaluation) -> None:
    found = report(evaluation, policy=guarded())
    support = next(suite for suite in found.decision.suites if suite.suite == "support")
    flips = f"{100 * support.flips / support.n:.1f} %"
    for text in (terminal(found), markdown(found), html(found)):
        assert flips in text and "not measured" in text
        assert "refund" in text and "login" in text and "previous" in text
    assert "Slices with a guardrail of their own" in terminal(found)


def test_markdown_is_short_and_folds_all_but_verdict_reasons_and_suites(evaluation: Evaluation) -> None:
    text = markdown(report(evaluation, policy=guarded()))
    opened, _, folded = text.partition("<details>")
    assert len(opened.splitlines()) < 20 and "| support |" in opened
    assert folded and text.count("<details>") == text.count("</details>") == text.count("<summary>")
    assert "```" not in opened


def test_names_from_data_are_no_markup(synthetic: Callable[..., Evaluation], suite: Any) -> None:
    hostile = "<img src=x onerror=y> | `x` \x1b[2J"
    domain = suite(
        "support", n=60, p_base=0.3, gain=0.3, discordance=0.3, p_damaged=0.02, kind="suite", slices=(hostile, "b")
    )
    general = suite("arc_easy")
    suites = {"support": SuitePolicy("domain", slices={hostile: SlicePolicy()}), "arc_easy": SuitePolicy("general")}
    found = report(synthetic(general, domain), policy=Policy(suites=suites))
    assert "\x1b" not in terminal(found)
    assert "<img" not in markdown(found)
    elements = Elements(html(found))
    assert "img" not in elements.tags and not any(name.startswith("on") for name, _ in elements.attributes)


@pytest.mark.parametrize(
    ("change", "verdict", "said"),
    [
        ({"gain": -0.3}, "BLOCK", "What was lost most is shown with both answers."),
        ({"fixed": True}, "INVALID", "say required: false of a suite in the policy"),
        (
            {"n": 40, "p_base": 0.7, "discordance": 0.0},
            "INCONCLUSIVE",
            "Score more items, or tolerate a larger loss (margin) in the policy.",
        ),
    ],
)
def test_every_verdict_but_pass_says_what_to_do_next(
    synthetic: Callable[..., Evaluation], suite: Any, change: dict[str, Any], verdict: str, said: str
) -> None:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    found = report(synthetic(replace(suite("arc_easy"), **change), domain))
    assert found.decision.verdict == verdict
    for text in (terminal(found), markdown(found), html(found)):
        assert said in text


def test_a_suite_without_a_single_pair_is_reported_without_numbers(evaluation: Evaluation) -> None:
    keep = [not (row["suite"] == "arc_easy" and row["model"] == "candidate") for row in evaluation.items.to_pylist()]
    torn = replace(evaluation, items=evaluation.items.filter(pa.array(keep)))
    policy = Policy(suites={name: SuitePolicy("general") for name in ("arc_easy", "grammar")})
    found = report(torn, policy=policy)
    assert "INVALID" in terminal(found) and "share no scored item" in terminal(found)
    assert "INVALID" in html(found)


def test_a_suite_that_was_set_aside_asks_for_no_more_items_and_the_base_fits_on_a_line(
    synthetic: Callable[..., Evaluation], suite: Any
) -> None:
    """Whatever number of items would do nothing for a suite that could not have shown a difference."""
    found = synthetic(
        suite("fixed", n=1200, fixed=True), suite("facts", n=60), suite("support", kind="suite", gain=0.2)
    )
    base: Any = {**found.identity["base"], "revision": "0123456789abcdef" * 4}  # type: ignore[dict-item]
    found = replace(found, identity={**found.identity, "base": base})
    roles = {"fixed": SuitePolicy("general", required=False), "facts": SuitePolicy("general")}
    page = html(report(found, policy=Policy(suites={**roles, "support": SuitePolicy("domain")})))
    table = page.partition("<h2>Suites</h2>")[2].partition("</table>")[0]
    rows = {row.split("</td>")[0]: row for row in table.split("<tr><td>")[1:]}
    assert "set aside" in rows["fixed"] and "more item" not in rows["fixed"] and ">1,200<" in rows["fixed"]
    assert "more item" in rows["facts"] and "set aside" not in rows["facts"]
    assert "tiny, 0123456789ab" in page and "0123456789abc" not in page
