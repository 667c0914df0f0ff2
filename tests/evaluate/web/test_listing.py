"""All verdicts newest first; each suite over releases with what was put in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import write
from assay.evaluate.release.release import gate_evaluation
from assay.releases.versions import Releases
from assay.runs import Run, RunStore
from tests.evaluate.web.conftest import HOSTILE, POLICY, opened

Judge = Callable[..., tuple[str, str]]


def test_an_empty_store_says_which_command_fills_it(client: TestClient) -> None:
    for address in ("/evaluation", "/evaluation/history"):
        assert "assay evaluate" in client.get(address).text


def test_verdicts_stand_newest_first_and_what_was_not_judged_says_how(
    client: TestClient, judged: Judge, put: Callable[..., Run], blocked: Evaluation
) -> None:
    _, gate = judged(blocked)
    waiting = put(blocked, "two").id
    text = client.get("/evaluation").text
    table = text[text.index("Verdicts and evaluations") :]
    assert table.index(waiting) < table.index(gate)
    assert "not judged" in table and "a loss beyond the guardrail of 10 points is proved" in table
    assert text.index("The adapter should not be released.") < text.index("Verdicts and evaluations")
    page = client.get(f"/evaluation/{waiting}").text
    assert "No gate has judged it yet" in page and f"assay gate .assay/runs/{waiting}" in page.replace(
        re.search(r"assay gate (\S*)\.assay", page).group(1),
        "",  # type: ignore[union-attr]
    )


def test_opened_folders_are_listed_and_shown_beside_the_runs(tmp_path: Path, blocked: Evaluation) -> None:
    """What `assay evaluate -o` and `assay gate -o` wrote, without a store."""
    write(blocked, tmp_path / "evaluation")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    gate_evaluation(tmp_path / "evaluation", tmp_path / "policy.yaml", tmp_path / "release")
    folders = {"release": tmp_path / "release", "evaluation": tmp_path / "evaluation"}
    with opened(tmp_path, folders) as client:
        assert "opened folder" in client.get("/evaluation").text
        assert "should not be released" in client.get("/evaluation/release").text
        assert "What moved on grammar" in client.get("/evaluation/release/items").text
        assert "It verifies" in client.post("/evaluation/release/verify").text
    with opened(tmp_path, {"release": tmp_path / "release"}) as client:
        assert "not in this store" in client.get("/evaluation/release").text
        assert client.get("/evaluation/release/items").status_code == 404


def test_scores_over_releases_show_verdicts_versions_and_what_is_not_comparable(
    client: TestClient,
    remember: Callable[..., Any],
    synthetic: Callable[..., Evaluation],
    suite: Any,
    tmp_path: Path,
) -> None:
    def evaluation(gain: float) -> Evaluation:
        return synthetic(suite("support", n=100, gain=gain, kind="suite"), suite("facts", n=50))

    other = remember(evaluation(0.1), "zero", template_sha256="9" * 64)
    first, second = remember(evaluation(0.1), "one"), remember(evaluation(0.3), "two", "BLOCK")
    (tmp_path / "one" / "adapter_config.json").write_text("{}", encoding="utf-8")
    releases = Releases(tmp_path / ".assay" / "adapters")
    releases.promote(releases.add("support", tmp_path / "one"), "a <b>trial</b>")
    text = client.get("/evaluation/history").text
    assert text.count('class="trend"') == 2
    plot = text[text.index('class="trend"') : text.index("</svg>", text.index('class="trend"'))]
    assert plot.index(first.id) < plot.index(second.id) and other.id not in plot
    assert 'class="mark pass"' in plot and 'class="mark block"' in plot
    assert plot.count('class="ring"') == 1 and "in use as support:1" in plot
    assert "not drawn: differs in chat template" in text
    assert "a &lt;b&gt;trial&lt;/b&gt;" in text and "<b>trial" not in text


def test_a_hostile_suite_name_stays_text_everywhere(
    client: TestClient, put: Callable[..., Run], synthetic: Callable[..., Evaluation], suite: Any
) -> None:
    run = put(synthetic(suite(HOSTILE, n=30), suite("support", n=30, kind="suite")))
    for address in ("/evaluation", "/evaluation/history", f"/evaluation/{run.id}", f"/evaluation/{run.id}/items"):
        text = client.get(address).text
        assert "<script>alert" not in text and "<img" not in text
        assert "\x1b" not in re.sub(r'value="[^"]*"', "", text)  # what a form sends back is the name as it is


def test_damaged_headers_are_said_and_hide_no_other_run(
    client: TestClient, judged: Judge, put: Callable[..., Run], blocked: Evaluation
) -> None:
    _, gate = judged(blocked)
    damaged = put(blocked, "two")
    for text in ("{", "[]", '{"suites": [7]}', '{"suites": [{"suite": "a", "scores": [{}]}]}'):
        (damaged.path / "evaluation.json").write_text(text, encoding="utf-8")
        assert gate in client.get("/evaluation").text
        assert "damaged" in client.get(f"/evaluation/{damaged.id}").text
        assert client.get(f"/evaluation/{damaged.id}/items").status_code == 200
        assert client.get("/evaluation/history").status_code == 200


def test_an_evaluation_whose_process_is_gone_is_not_said_to_go_on(client: TestClient, tmp_path: Path) -> None:
    with RunStore(tmp_path / ".assay").open("evaluate", {}, {}) as run:
        assert "running" in client.get("/evaluation").text
        assert "It goes on." in client.get(f"/evaluation/{run.id}").text
    manifest = run.path / "manifest.json"
    text = manifest.read_text(encoding="utf-8").replace('"outcome": "done"', '"outcome": "running"')
    manifest.write_text(text, encoding="utf-8")
    assert "stopped" in client.get("/evaluation").text
    assert "It was stopped" in client.get(f"/evaluation/{run.id}").text


def test_the_store_of_the_pages_is_the_one_of_the_commands(tmp_path: Path, judged: Judge, blocked: Evaluation) -> None:
    evaluation, gate = judged(blocked)
    assert {run.run for run in RunStore(tmp_path / ".assay").manifests()} == {evaluation, gate}


def test_what_synthetic_records_were_worth_is_not_said_to_wait_for_a_gate(
    client: TestClient, blocked: Evaluation, tmp_path: Path
) -> None:
    with RunStore(tmp_path / ".assay").open("measure", {}, {}) as run:
        write(blocked, run.path)
    text = client.get(f"/evaluation/{run.id}").text
    assert "without the synthetic records" in text and "No gate has judged it yet" not in text
    assert f"/evaluation/{run.id}" in client.get(f"/lineage/{run.id}").text


def test_a_later_gate_recolours_nothing_each_stands_as_it_was_decided(
    client: TestClient, judged: Judge, passing: Evaluation, shell: Callable[..., Any], tmp_path: Path
) -> None:
    evaluation, first = judged(passing)
    manifest = tmp_path / ".assay" / "runs" / first / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"started": "20', '"started": "19'), encoding="utf-8")
    (tmp_path / "policy.yaml").write_text("margin: 0.0001\n", encoding="utf-8")
    shell("gate", tmp_path / ".assay" / "runs" / evaluation)
    second = next(run.run for run in RunStore(tmp_path / ".assay").manifests() if run.stage == "gate")
    assert second != first
    text = client.get("/evaluation/history").text
    plot = text[text.index('class="trend"') : text.index("</svg>", text.index('class="trend"'))]
    squares = re.findall(r'<g class="mark (\w+)"><rect class="([^"]+)"', plot)
    assert squares == [("pass", "gate"), ("inconclusive", "gate newest")]
    assert "judged 2 times, the newest last: PASS under policy" in plot
    table = text[text.index("<h2>Evaluations") :]
    assert table.index(second) < table.index('<span class="tag">newest</span>') < table.index(first)
    assert "margin 3 points" in table and "margin 0.01 points" in table
    assert f'href="/evaluation/{first}"' in table and f'href="/evaluation/{second}"' in table
