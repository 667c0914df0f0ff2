"""The page of a verdict says why at once, whatever the verdict is and whatever is missing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.errors import SuiteError
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import write
from assay.evaluate.release.release import gate_evaluation
from assay.pipeline.summary_page import SENTENCES
from assay.runs import RunStore
from tests.evaluate.web.conftest import POLICY, with_outputs

Judge = Callable[..., tuple[str, str]]


def page(client: TestClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def before(text: str, first: str, then: str) -> bool:
    return 0 <= text.index(first) < text.index(then)


def test_a_pass_says_so_in_one_sentence_with_the_gates_own_reasons(
    client: TestClient, judged: Judge, passing: Evaluation
) -> None:
    evaluation, gate = judged(passing)
    text = page(client, f"/evaluation/{gate}")
    assert SENTENCES["PASS"] in text
    assert before(text, "a gain is proved (p &lt; 0.001)", "<svg")
    assert before(text, "a loss beyond the margin of 3 points is excluded", "<svg")
    assert f"/evaluation/{evaluation}" in text and f"/lineage/{gate}" in text


def test_a_block_names_the_suite_first_and_shows_what_it_lost(
    client: TestClient, judged: Judge, blocked: Evaluation
) -> None:
    _, gate = judged(blocked)
    text = page(client, f"/evaluation/{gate}")
    assert SENTENCES["BLOCK"] in text
    assert before(text, "a loss beyond the guardrail of 10 points is proved", "<svg")
    table = text[text.index("<tbody>") :]
    assert before(table, "grammar", "arc_easy") and before(table, "grammar", "support")
    assert f"/evaluation/{gate}/items?suite=grammar&amp;moved=lost" in text
    assert "What was lost most on grammar" in text
    assert "Against the previous release" in text


def test_nothing_of_an_answer_is_markup(client: TestClient, judged: Judge, blocked: Evaluation) -> None:
    _, gate = judged(blocked)
    text = page(client, f"/evaluation/{gate}")
    assert "&lt;script&gt;alert" in text
    assert "<script>alert" not in text and "<img" not in text
    assert "\x1b" not in text and "\u202e" not in text and "⟨U+202E⟩" in text
    assert "{{ 7*7 }}" in text and "{% raw %}" in text


def test_an_invalid_one_says_which_suite_could_not_have_shown_a_regression(
    client: TestClient, judged: Judge, synthetic: Callable[..., Evaluation], suite: Any
) -> None:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite")
    _, gate = judged(synthetic(suite("blind", fixed=True), suite("grammar"), domain))
    text = page(client, f"/evaluation/{gate}")
    assert SENTENCES["INVALID"] in text
    assert before(text, "blind could not have shown a regression", "<svg")
    sensitivity = text[text.index("Could the suites have shown a regression?") :]
    assert "<details open><summary>blind: " in sensitivity and "What was lost most" not in text
    assert "<details><summary>grammar: " in sensitivity


def test_an_inconclusive_one_says_how_many_items_more(
    client: TestClient, judged: Judge, synthetic: Callable[..., Evaluation], suite: Any
) -> None:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    _, gate = judged(synthetic(suite("grammar", n=120, gain=-0.03), domain))
    text = page(client, f"/evaluation/{gate}")
    assert SENTENCES["INCONCLUSIVE"] in text
    assert (
        before(text, "more items of the general suites together would probably decide it", "<svg")
        and "more items</div>" in text
    )
    assert text.count("would probably decide it") == 1


def test_slices_link_to_their_items(client: TestClient, judged: Judge, blocked: Evaluation) -> None:
    policy = "version: 1\nmargin: 0.03\nguardrail: 0.1\nsuites:\n  support: {role: domain, slices: [refund]}\n"
    policy += "  grammar: {role: general}\n  arc_easy: {role: general}\n"
    _, gate = judged(blocked, policy)
    text = page(client, f"/evaluation/{gate}")
    assert "1 guarded by the policy" in text
    assert "suite=support&amp;slice=refund&amp;moved=all" in text
    assert "guardrail: 0.1" in text


def test_a_damaged_decision_is_a_line_with_the_verdict_that_the_run_noted(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    _, gate = judged(passing)
    file = tmp_path / ".assay" / "runs" / gate / "decision.json"
    for text in ("{", "{}", '{"verdict": "PASS", "reasons": [], "notes": [], "suites": [{}], "macro": null}'):
        file.write_text(text, encoding="utf-8")
        said = page(client, f"/evaluation/{gate}")
        assert "The run noted PASS" in said and "damaged or of another version" in said


def test_a_decision_without_suites_is_shown_with_its_reasons(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    """As lm-eval's averages are judged, without items."""
    _, gate = judged(passing)
    bare = {"verdict": "INCONCLUSIVE", "reasons": ["averages alone"], "notes": [], "suites": [], "macro": None}
    rest = {
        "items_needed": None,
        "certificate": None,
        "rerun": ["lm_eval --log_samples <b>"],
        "unpaired": [
            {"task": "arc", "n": 1200, "base": 0.5, "candidate": 0.45, "difference": -0.05, "ci": [-0.09, -0.01]},
            7,
        ],
    }

    file = tmp_path / ".assay" / "runs" / gate / "decision.json"
    file.write_text(json.dumps(bare | rest), encoding="utf-8")
    text = page(client, f"/evaluation/{gate}")
    assert "averages alone" in text and "-5.0 points (-9.0 to -1.0)" in text and "1,200" in text
    assert "lm_eval --log_samples &lt;b&gt;" in text


def test_the_verdict_stays_when_the_evaluation_and_the_policy_are_gone(
    client: TestClient, judged: Judge, blocked: Evaluation, tmp_path: Path
) -> None:
    evaluation, gate = judged(blocked)
    runs = tmp_path / ".assay" / "runs"
    shutil.rmtree(runs / evaluation)
    (runs / gate / "policy.yaml").unlink()
    text = page(client, f"/evaluation/{gate}")
    assert SENTENCES["BLOCK"] in text and "not in this store" in text
    assert "policy.yaml is not in the run" in text
    assert "/items" not in text


def test_the_saved_page_has_no_form_and_no_link_to_a_server(
    client: TestClient, judged: Judge, blocked: Evaluation
) -> None:
    _, gate = judged(blocked)
    text = page(client, f"/evaluation/{gate}?save=1")
    assert SENTENCES["BLOCK"] in text
    assert "<form" not in text and 'href="/' not in text and "<script" not in text
    assert "assay verify" in text


@pytest.mark.parametrize("address", ["/evaluation/gate-nowhere", "/evaluation/..%2f..", "/evaluation/gate-x/items"])
def test_a_run_that_is_not_there_is_a_line(client: TestClient, address: str) -> None:
    assert "Traceback" not in page(client, address, 404)


def test_a_run_that_failed_says_why(client: TestClient, tmp_path: Path) -> None:
    store = RunStore(tmp_path / ".assay")
    with pytest.raises(SuiteError), store.open("evaluate", {}, {}) as run:
        raise SuiteError("the suite is empty <b>", where="support.yaml")
    text = page(client, f"/evaluation/{run.id}")
    assert "It failed" in text and "the suite is empty &lt;b&gt;" in text


def test_a_gate_over_lm_evals_logs_has_its_items_inside_of_its_own_run(
    client: TestClient, blocked: Evaluation, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    with RunStore(tmp_path / ".assay").open("gate", {"source": "lm-eval"}, {}) as run:
        write(blocked, run.path / "evaluation")
        decision = gate_evaluation(run.path / "evaluation", tmp_path / "policy.yaml", run.path)
        run.facts["verdict"] = str(decision.verdict)
    assert f"/evaluation/{run.id}/items?suite=grammar" in page(client, f"/evaluation/{run.id}")
    assert "What moved on grammar" in page(client, f"/evaluation/{run.id}/items")
    assert run.id in page(client, "/evaluation")


def saying(evaluation: Evaluation, answer: str, right: int) -> Evaluation:
    """Of ten items of `support` six expect `answer`, four each their own; the base says something else, and the
    candidate `answer` to all but the last, so that it is right `right` times in ten."""

    def change(row: dict[str, Any]) -> None:
        if row["suite"] == "support":
            place = int(row["item_id"].split("-")[1])
            row["reference"] = answer if place % 10 < 6 else f"other {place}"
            row["output"] = f"It depends, {place}."
            if row["model"] == "candidate":
                known = place % 10 < right
                row["output"] = row["reference"] if known else answer if place % 10 < 9 else f"no idea {place}"
            row["score"] = float(row["output"] == row["reference"])

    return with_outputs(evaluation, change)


def test_a_gain_that_the_commonest_answer_would_have_is_told_above_all_else(
    client: TestClient, judged: Judge, passing: Evaluation
) -> None:
    answer = "<b>refused</b> by the policy of returns"
    _, gate = judged(saying(passing, answer, 6))
    text = page(client, f"/evaluation/{gate}")
    assert SENTENCES["INCONCLUSIVE"] in text
    assert "On support one answer, given to every item, scores 60.0 %; the candidate scores 60.0 %." in text
    assert before(text, "&lt;b&gt;refused&lt;/b&gt; by the policy of returns", "<svg") and "<b>refused" not in text
    assert "a gain over the commonest answer, 60.0 %, is not proved" in text
    assert "More items would hardly decide it" in text and "tolerate a larger loss" not in text
    assert 'data-key="o">support, item by item' in text, "general suites that lost a little are not the reason"


def test_a_redacted_gate_tells_it_without_the_answer(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    answer = "Refused by the policy of returns"
    _, gate = judged(saying(passing, answer, 6), POLICY, "--redact")
    text = page(client, f"/evaluation/{gate}")
    assert "On support one answer, given to every item, scores 60.0 %" in text
    folder = tmp_path / ".assay" / "runs" / gate
    for said in (text, *(file.read_text(encoding="utf-8") for file in folder.iterdir())):
        assert answer not in said
    _, open_gate = judged(saying(passing, answer, 6))
    folder = tmp_path / ".assay" / "runs" / open_gate
    assert answer in (folder / "decision.json").read_text() and answer in (folder / "gate.md").read_text()
    assert answer not in (folder / "certificate.json").read_text() and answer not in (folder / "gate.xml").read_text()


def test_a_commonest_answer_that_is_beaten_stands_in_the_details(
    client: TestClient, judged: Judge, passing: Evaluation, tmp_path: Path
) -> None:
    _, gate = judged(saying(passing, "refused", 9))
    text = page(client, f"/evaluation/{gate}")
    assert SENTENCES["PASS"] in text and "one answer, given to every item" not in text
    assert "a gain over the commonest answer, 60.0 %, is proved (at worst +" in text
    report = (tmp_path / ".assay" / "runs" / gate / "gate.html").read_text(encoding="utf-8")
    assert "a gain over it is proved (at worst +" in report and "<bdi>refused</bdi>" in report


def test_partial_credit_is_said_where_items_and_points_are_counted(
    client: TestClient, judged: Judge, passing: Evaluation
) -> None:
    def half(row: dict[str, Any]) -> None:
        if row["suite"] == "support" and row["model"] == "candidate" and row["score"] == 0.0:
            row["score"] = 0.5

    assert "partial credit" not in page(client, f"/evaluation/{judged(passing)[1]}")
    _, gate = judged(with_outputs(passing, half), POLICY)
    text = page(client, f"/evaluation/{gate}")
    assert "domain, partial credit" in text and "counts of items and points of score are two things" in text
    assert "support gives partial credit, here to" in text
    assert "This suite gives partial credit" in page(client, f"/evaluation/{gate}/items?suite=support&moved=gained")
    assert "This suite gives partial credit" not in page(client, f"/evaluation/{gate}/items?suite=grammar")


def test_what_is_shown_is_said_in_the_words_of_the_policy_with_the_limit_of_the_proof(
    client: TestClient, judged: Judge, blocked: Evaluation
) -> None:
    _, gate = judged(blocked)
    text = page(client, f"/evaluation/{gate}")
    table = text[text.index("<h2>Suites") : text.index("</table>", text.index("<h2>Suites"))]
    assert "difference (90 %)" in table and "95 %" not in table and "-0.0" not in text
    assert "a loss beyond the guardrail of 10 points is proved" in table
    ruined = table[table.index("suite=grammar") : table.index("</tr>", table.index("suite=grammar"))]
    assert "at best -" in ruined and ": it blocks" in ruined and "p = 1.000" not in ruined
    assert "a loss beyond the margin of 3 points is not excluded" in table and "at worst -" in table
    assert "a gain is proved" in table and "blocks once it is proved" in table and "a PASS needs it excluded" in table
