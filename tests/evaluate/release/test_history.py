"""The store remembers evaluations and verdicts: trends, comparisons, the last release, and worn items."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.errors import SuiteError
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import write
from assay.evaluate.release.history import compare, history, last_release, times_used, trends, with_times_used
from assay.findings import Verdict
from assay.runs import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / ".assay")


@pytest.fixture
def evaluation(synthetic: Callable[..., Evaluation], suite: Any) -> Callable[..., Evaluation]:
    def make(gain: float = 0.2, **rest: Any) -> Evaluation:
        return synthetic(suite("support", n=100, gain=gain, kind="suite"), suite("facts", n=50), **rest)

    return make


def test_evaluations_come_newest_first_with_the_verdict_of_their_gate(
    store: RunStore, evaluation: Callable[..., Evaluation], remember: Callable[..., Any]
) -> None:
    first, second = remember(evaluation(), "one"), remember(evaluation(0.3), "two", None)
    third = remember(evaluation(0.4), "three", "BLOCK")
    found = history(store)
    assert [judged.run for judged in found] == [third.id, second.id, first.id]
    assert [judged.verdict for judged in found] == [Verdict.BLOCK, None, Verdict.PASS]
    assert found[2].adapter == (store.root.parent / "one").resolve()


def test_a_damaged_evaluation_is_left_out_and_hides_no_other(
    store: RunStore, evaluation: Callable[..., Evaluation], remember: Callable[..., Any]
) -> None:
    run = remember(evaluation(), "one")
    remember(evaluation(), "two")
    (run.path / "evaluation.json").write_text("{", encoding="utf-8")
    assert len(history(store)) == 1


def test_a_trend_holds_what_is_comparable_with_the_newest_and_names_the_rest(
    store: RunStore, evaluation: Callable[..., Evaluation], remember: Callable[..., Any]
) -> None:
    other = remember(evaluation(), "zero", template_sha256="9" * 64)
    runs = [remember(evaluation(gain), name) for gain, name in ((0.1, "one"), (0.3, "two"))]
    support, facts = trends(history(store))
    assert (support.suite, facts.suite) == ("support", "facts")
    assert [point.run for point in support.points] == [run.id for run in runs]
    assert support.points[0].candidate < support.points[1].candidate
    assert support.left_out == ((other.id, f"chat template ({'4' * 8} and {'9' * 8})"),)


def test_candidates_are_compared_item_by_item(evaluation: Callable[..., Evaluation], tmp_path: Path) -> None:
    write(evaluation(0.1), tmp_path / "a")
    write(evaluation(0.4), tmp_path / "b")
    compared, notes = compare(tmp_path / "a", tmp_path / "b")
    support = compared[0]
    assert support.suite == "support" and support.n == 100 and notes == []
    assert support.difference == pytest.approx(support.second - support.first)
    assert support.gains - support.losses == round(100 * support.difference)
    assert support.ci.low < support.difference < support.ci.high
    same, _ = compare(tmp_path / "a", tmp_path / "a")
    assert all(suite.difference == 0 and suite.gains == suite.losses == 0 for suite in same)


def test_what_is_not_comparable_is_refused_with_what_differs(
    synthetic: Callable[..., Evaluation], evaluation: Callable[..., Evaluation], suite: Any, tmp_path: Path
) -> None:
    write(evaluation(settings={"num_fewshot": 0}), tmp_path / "a")
    write(evaluation(settings={"num_fewshot": 5}), tmp_path / "b")
    with pytest.raises(SuiteError, match=r"cannot be compared: they differ in num_fewshot \(0 and 5\)"):
        compare(tmp_path / "a", tmp_path / "b")
    write(synthetic(suite("else", n=20), settings={"num_fewshot": 0}), tmp_path / "c")
    with pytest.raises(SuiteError, match="no suite in common"):
        compare(tmp_path / "a", tmp_path / "c")


def test_the_last_release_is_the_newest_that_passed_on_this_base_and_never_the_candidate(
    store: RunStore, evaluation: Callable[..., Evaluation], remember: Callable[..., Any]
) -> None:
    one = remember(evaluation(), "one")
    two = remember(evaluation(), "two")
    remember(evaluation(), "three", "BLOCK")
    remember(evaluation(), "four", base={"name": "other", "weights_sha256": "8" * 64})
    found = history(store)
    mine = {judged.run: dict(judged.adapter_files or {}) for judged in found}

    def tiny(base: Any) -> bool:
        return bool(base["name"] == "tiny")

    last = last_release(found, tiny, {"x": "y"})
    assert last is not None and last.run == two.id
    before = last_release(found, tiny, mine[two.id])
    assert before is not None and before.run == one.id
    assert last_release(found, lambda base: base["name"] == "third", {}) is None


def test_items_that_judged_many_adapters_are_counted_and_said(
    store: RunStore, evaluation: Callable[..., Evaluation], remember: Callable[..., Any]
) -> None:
    for number in range(10):
        remember(evaluation(), f"adapter{number}")
    remember(evaluation(), "adapter3")
    found = history(store)
    assert times_used(found, "0" * 64, None) == 10
    assert times_used(found, "0" * 64, found[0].adapter_files) == 9
    assert times_used(found, "7" * 64, None) == 0
    marked = with_times_used(evaluation(), found)
    assert marked.settings["times_used"] == {"support": 10, "facts": 10}
    assert "support (10)" in str(marked.settings["notes"])
    assert with_times_used(evaluation(), found[:3]).settings["notes"] == []


def test_the_shell_shows_trend_and_comparison(
    store: RunStore,
    evaluation: Callable[..., Evaluation],
    remember: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(store.root.parent)
    one, two = remember(evaluation(0.1), "one"), remember(evaluation(0.3), "two", "INCONCLUSIVE")

    def shell(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        assert not ended.value.code
        return capsys.readouterr().out

    text = shell("runs", "trend", "support")
    assert one.id in text and "INCONCLUSIVE" in text and "facts" not in text
    compared = json.loads(shell("runs", "compare", one.id, two.id, "--json"))
    assert [suite["suite"] for suite in compared["suites"]] == ["support", "facts"]
    assert one.id in shell("runs")


def test_an_unknown_suite_is_one_line_with_the_nearest(
    store: RunStore,
    evaluation: Callable[..., Evaluation],
    remember: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(store.root.parent)
    remember(evaluation(), "one")
    with pytest.raises(SystemExit) as ended:
        main(["runs", "trend", "suport"])
    assert ended.value.code == 2 and "did you mean 'support'" in capsys.readouterr().err


@pytest.fixture
def twice(
    store: RunStore, synthetic: Callable[..., Evaluation], suite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, list[str]]:
    """One evaluation judged under two policies by the real command: (evaluation, gates, oldest first)."""
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    made = synthetic(suite("facts"), suite("grammar", n=600), domain)
    with store.open("evaluate", {}, {}) as run:
        write(made, run.path)
    monkeypatch.chdir(tmp_path)
    for margin in (0.03, 0.0001):
        (tmp_path / "policy.yaml").write_text(f"margin: {margin}\n", encoding="utf-8")
        with pytest.raises(SystemExit):
            main(["gate", str(run.path)])
        for gate in (store.root / "runs").glob("gate-*/manifest.json"):  # each long before the next
            text = re.sub(r'"started": "(\d{4})', lambda year: f'"started": "{int(year[1]) - 1}', gate.read_text())
            gate.write_text(text, encoding="utf-8")
    gates = [found for found in reversed(store.manifests()) if found.stage == "gate"]
    assert [dict(found.data["facts"])["verdict"] for found in gates] == ["PASS", "INCONCLUSIVE"]
    return run.id, [found.run for found in gates]


def test_every_verdict_stays_as_it_was_decided_under_its_policy(store: RunStore, twice: tuple[str, list[str]]) -> None:
    evaluation, gates = twice
    (judged,) = history(store)
    assert judged.run == evaluation and judged.verdict is Verdict.INCONCLUSIVE
    assert [(gate.run, gate.verdict) for gate in judged.gates] == [
        (gates[0], Verdict.PASS),
        (gates[1], Verdict.INCONCLUSIVE),
    ]
    first, second = judged.gates
    assert first.policy != second.policy and "margin 3 points" in first.under and "margin 0.01 points" in second.under
    assert first.policy[:8] in first.under
    (point,) = trends([judged], "support")[0].points
    assert point.gates == judged.gates and point.verdict is Verdict.INCONCLUSIVE


def test_a_gate_that_failed_takes_no_verdict_away(store: RunStore, twice: tuple[str, list[str]]) -> None:
    evaluation, _ = twice
    with pytest.raises(SuiteError), store.open("gate", {"again": 1}, {}, (evaluation,)) as run:
        run.started += 10
        raise SuiteError("the suites do not fit")
    (judged,) = history(store)
    assert judged.verdict is Verdict.INCONCLUSIVE and len(judged.gates) == 2


def test_the_shell_names_each_verdict_with_its_policy(
    twice: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["runs", "trend", "support"])
    said = capsys.readouterr().out
    first, second = twice[1]
    assert said.index(first) < said.index(second) and said.count("the newest") == 1
    assert "under policy" in said and "margin 3 points" in said
