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
from assay.runs import RunStore
from assay.summary_page import SENTENCES
from tests.evaluate.web.conftest import POLICY

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
