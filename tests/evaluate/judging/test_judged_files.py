"""A judged suite before a model is loaded: what check says of it, its files, and what cannot be done with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.errors import SuiteError
from assay.evaluate.identity import Models, input_digests
from assay.evaluate.judging.labels import read_labels
from assay.evaluate.scorer import make_scorer
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.suites.check import check_suite
from assay.evaluate.suites.export import export_suite
from assay.suites import read_suite

MakeSuite = Callable[..., Path]
ROWS = [{"id": f"q{n}", "prompt": f"cat {n}?", "reference": f"the {n}"} for n in range(12)]
SCORER = {"name": "llm_judge", "provider": "openai", "model": "m"}


def problems(path: Path) -> dict[str, str]:
    return {problem.problem: problem.message for problem in check_suite(read_suite(path))}


def test_check_says_what_it_will_cost_and_sends_nothing(make_suite: MakeSuite) -> None:
    paid = SCORER | {"price": {"input": 10.0, "output": 30.0}, "max_usd": 0.01}
    found = problems(make_suite("judged", ROWS, scorer=paid))
    assert found["judge_cost"].startswith("base and candidate take 24 requests to openai m, about $0.")
    assert "max_usd" in found["judge_cap"] and "no human labels" in found["not_calibrated"]
    assert not {"reference_fails", "unscorable_reference"} & found.keys()
    free = problems(make_suite("free", ROWS, scorer=SCORER))
    assert "a paid model is refused: give price" in free["judge_cost"] and "judge_cap" not in free


def test_check_names_a_provider_that_does_not_exist_and_counts_what_it_says(
    make_suite: MakeSuite, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_suite("judged", ROWS, scorer=SCORER | {"provider": "opnai", "price": {"input": 1, "output": 1}})
    with pytest.raises(SystemExit) as ended:
        main(["suite", "check", str(path)])
    said = capsys.readouterr().out
    assert ended.value.code == 3 and "did you mean 'openai'" in said
    assert "errors: 1, warnings: 3" in said, "too few items, the cap, no labels; what it costs is no warning"


def test_a_reference_that_the_judge_is_not_shown_may_be_the_same_for_all(make_suite: MakeSuite) -> None:
    rows = [row | {"reference": "none"} for row in ROWS]
    assert "one_answer" in problems(make_suite("shown", rows, scorer=SCORER))
    assert "one_answer" not in problems(make_suite("hidden", rows, scorer=SCORER | {"use_reference": False}))


def test_check_names_a_wrong_label_with_its_line(
    make_suite: MakeSuite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "people.csv").write_text("item,output,verdict\nq1,a,right\nq99,b,wrong\n")
    path = make_suite("judged", ROWS, scorer=SCORER | {"labels": "people.csv"})
    with pytest.raises(SystemExit) as ended:
        main(["suite", "check", str(path)])
    assert ended.value.code == 3
    assert "people.csv:3: the suite has no item 'q99'" in capsys.readouterr().out


def test_labels_are_read_from_csv_and_jsonl(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('item,output,other,verdict\nq1,"a, b",c,second\nq2,x,y,tie\n')
    first, second = read_labels(tmp_path / "a.csv", "pairwise", ["q1", "q2"])
    assert (first.output, first.other, first.verdict) == ("a, b", "c", "second") and second.verdict == "tie"
    (tmp_path / "a.jsonl").write_text('{"item": "q1", "model": "candidate", "verdict": true}\n')
    (label,) = read_labels(tmp_path / "a.jsonl", "grade", ["q1"])
    assert (label.model, label.output, label.verdict) == ("candidate", None, "right")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(SuiteError, match="holds no human verdict"):
        read_labels(tmp_path / "empty.jsonl", "grade", ["q1"])


def test_another_rubric_or_other_labels_make_another_run(make_suite: MakeSuite, tmp_path: Path, target: Any) -> None:
    (tmp_path / "rubric.txt").write_text("Be right.")
    (tmp_path / "people.jsonl").write_text(json.dumps({"item": "q1", "output": "a", "verdict": "right"}))
    path = make_suite("judged", ROWS, scorer=SCORER | {"file": "rubric.txt", "labels": "people.jsonl"})

    def digests() -> dict[str, str]:
        return input_digests(Models(target), [read_suite(path)], EvaluateSettings())

    before = digests()
    (tmp_path / "rubric.txt").write_text("Be brief.")
    between = digests()
    (tmp_path / "people.jsonl").write_text(json.dumps({"item": "q1", "output": "a", "verdict": "wrong"}))
    assert before != between != digests()


def test_a_rubric_that_changed_after_the_suite_was_read_is_refused(make_suite: MakeSuite, tmp_path: Path) -> None:
    (tmp_path / "rubric.txt").write_text("Be right.")
    suite = read_suite(make_suite("judged", ROWS, scorer=SCORER | {"file": "rubric.txt"}))
    make_scorer(suite.scorer, suite.scorer_settings, "here")
    (tmp_path / "rubric.txt").write_text("Be brief.")
    with pytest.raises(SuiteError, match=r"rubric.txt has changed since the suite was read"):
        make_scorer(suite.scorer, suite.scorer_settings, "here")


def test_lm_eval_has_no_place_for_a_judge(make_suite: MakeSuite, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="asks a judge once all answers are given"):
        export_suite(read_suite(make_suite("judged", ROWS, scorer=SCORER)), tmp_path / "out")
