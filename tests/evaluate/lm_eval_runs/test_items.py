"""The kinds of tasks that lm-eval logs, by real runs: options, beginnings, foretold words, solutions, perplexity."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import SuiteError
from assay.evaluate.evaluation import Evaluation, SuiteResult
from assay.evaluate.gate.policy import Policy
from assay.evaluate.lm_eval_runs.as_evaluation import evaluation_of
from assay.evaluate.lm_eval_runs.gate import read_logged
from assay.evaluate.lm_eval_runs.items import LoggedTask, answers_of, references_of, scorer_of
from assay.evaluate.scorer import rescore
from assay.suites.task_files import question_of, task_files
from tests.evaluate.conftest import build_adapter, write_card
from tests.evaluate.lm_eval_runs.made import WORDS, edit_samples, generating, logged, run_lm_eval, write_task

N = 24
TASKS = ("blanks", "cloze", "normed", "solved", "text", "several")


def metrics(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"metric": name, "aggregation": "mean", "higher_is_better": True, **more} for name in names]


def write_tasks(folder: Path, solved: list[str]) -> None:
    pairs = [(WORDS[i % 10], WORDS[(i + 3) % 10]) for i in range(N)]
    choice = {"output_type": "multiple_choice", "doc_to_choice": "{{[a, b]}}"}
    write_task(
        folder,
        "blanks",
        [{"a": f"the {a}", "b": f"the {b} on", "end": "sat", "right": i % 2} for i, (a, b) in enumerate(pairs)],
        **{**choice, "doc_to_text": "right", "doc_to_target": "end", "metric_list": metrics("acc")},
    )
    rows = [{"question": f"{i} the", "a": a, "b": f"{b} on the mat", "right": i % 2} for i, (a, b) in enumerate(pairs)]
    write_task(folder, "normed", rows, **choice, doc_to_target="right", metric_list=metrics("acc_norm", "acc"))
    write_task(folder, "several", rows, **choice, doc_to_target="{{[0, 1]}}", metric_list=metrics("acc"))
    write_task(
        folder,
        "cloze",
        [{"question": f"{b} the {a}", "word": (a, b)[i % 2]} for i, (a, b) in enumerate(pairs)],
        output_type="loglikelihood",
        doc_to_target=" {{word}}",
        metric_list=metrics("acc"),
    )
    ignored = [r"(?s).*#### ", r"\.$"]
    generating("solved", solved, folder, metric_list=metrics("exact_match", regexes_to_ignore=ignored))
    write_task(
        folder,
        "text",
        [{"question": "the cat sat on the mat"}] * 3,
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="question",
        metric_list=[{"metric": "word_perplexity", "aggregation": "weighted_perplexity", "higher_is_better": False}],
    )


@pytest.fixture(scope="module")
def runs(tiny_model: Path, target: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    adapter = build_adapter(tiny_model, folder / "adapter")
    write_card(adapter, target, {"r7": "7 the"})
    tasks = folder / "tasks"
    write_tasks(tasks, ["?"] * N)
    base = {"pretrained": str(tiny_model)}
    run_lm_eval(base, tasks, folder / "first", ("solved",))
    said = [row["filtered_resps"][0] for row in logged(folder / "first", "solved")]
    write_tasks(tasks, [f"Because.\n#### {said[i]}." if i % 3 else "no" for i in range(N)])
    for arm, model_args in {"base": base, "candidate": {**base, "peft": str(adapter)}}.items():
        run_lm_eval(model_args, tasks, folder / arm, TASKS)
    return folder


@pytest.fixture(scope="module")
def evaluation(runs: Path) -> Evaluation:
    found = read_logged(runs / "base", runs / "candidate", None, Policy())
    return evaluation_of(found.runs, found.tasks)


def suite(evaluation: Evaluation, name: str) -> SuiteResult:
    return next(found for found in evaluation.suites if found.suite == name)


def rows(evaluation: Evaluation, name: str) -> list[dict[str, Any]]:
    return [row for row in evaluation.items.to_pylist() if row["suite"] == name and row["model"] == "base"]


@pytest.mark.parametrize("name", ["normed", "cloze", "solved"])
def test_what_is_said_to_be_computable_again_gives_the_logged_scores(evaluation: Evaluation, name: str) -> None:
    own = rows(evaluation, name)
    again = rescore(
        suite(evaluation, name), [row["output"] for row in own], [row["reference"] for row in own], [None] * len(own)
    )
    assert again == [row["score"] for row in own]


def test_the_first_metric_of_the_task_counts(evaluation: Evaluation) -> None:
    assert suite(evaluation, "normed").scorer["length_normalised"] is True
    assert suite(evaluation, "normed").chance == pytest.approx(0.5)


def test_options_that_are_beginnings_have_no_reference_but_their_chance(evaluation: Evaluation) -> None:
    own = rows(evaluation, "blanks")
    assert all(row["reference"] is None and row["output"].startswith("the ") for row in own)
    assert suite(evaluation, "blanks").chance == pytest.approx(0.5)
    assert suite(evaluation, "blanks").scorer["name"] == "lm_eval"


def test_items_with_several_right_options_have_no_one_reference(evaluation: Evaluation) -> None:
    assert {row["reference"] for row in rows(evaluation, "several")} == {None}
    assert {row["score"] for row in rows(evaluation, "several")} == {1.0}


def test_a_foretold_word_is_the_answer_where_it_was_the_likeliest(evaluation: Evaluation) -> None:
    own = rows(evaluation, "cloze")
    assert {row["score"] for row in own} == {0.0, 1.0}
    assert all((row["output"] == row["reference"]) == bool(row["score"]) and row["logprob"] < 0 for row in own)


def test_what_the_metric_ignores_is_no_part_of_answer_and_reference(evaluation: Evaluation) -> None:
    own = rows(evaluation, "solved")
    assert {row["score"] for row in own} == {0.0, 1.0}
    assert not any("####" in row["reference"] for row in own)


def test_a_perplexity_is_left_out_and_said(evaluation: Evaluation) -> None:
    assert "text" not in {found.suite for found in evaluation.suites}
    assert any("left out" in note and "text" in note for note in evaluation.settings["notes"])  # type: ignore[attr-defined]


def test_leaks_are_found_where_the_adapter_says_what_it_was_trained_on(evaluation: Evaluation) -> None:
    assert {(leak.suite, leak.item_id, leak.record_id) for leak in evaluation.leaks or ()} == {
        ("normed", "7", "r7"),
        ("several", "7", "r7"),
    }


def test_likelihoods_that_are_no_numbers_are_no_evidence(runs: Path, tmp_path: Path) -> None:
    for arm in ("base", "candidate"):
        shutil.copytree(runs / arm, tmp_path / arm)

    def spoil(lines: list[str]) -> list[str]:
        row = json.loads(lines[0])
        row["resps"] = row["filtered_resps"] = [[["nan", "False"]]]
        return [json.dumps(row) + "\n", *lines[1:]]

    edit_samples(tmp_path / "candidate", "cloze", spoil)
    found = read_logged(tmp_path / "base", tmp_path / "candidate", None, Policy())
    assert evaluation_of(found.runs, found.tasks).evidence["candidate"].finite is False


CONFIG = {"output_type": "multiple_choice", "target_delimiter": " ", "metric_list": [{"metric": "acc"}]}


def one_row(**changed: Any) -> dict[str, Any]:
    arguments = [["q", " a"], ["q", " b"]]
    resps = [[["-2.0", "False"]], [["-1.0", "True"]]]
    return {"doc_id": 0, "doc": {}, "target": "1", "arguments": arguments, "resps": resps, "acc": 1.0} | changed


def test_arguments_are_read_as_older_versions_logged_them() -> None:
    (answer,) = answers_of(LoggedTask("t", CONFIG, (one_row(),), "acc", "none"))
    assert answer.output == "b" and answer.options == ("a", "b") and math.isclose(answer.logprob or 0, -1.0)


def test_options_that_are_alike_are_told_apart_by_their_number() -> None:
    """The second of two like options was chosen, and the first is right: a score of 0 follows, and swaps would not."""
    row = one_row(target="0", acc=0.0, arguments=[["q", " same"], ["q", " same"], ["q", " other"]])
    row["resps"] = [[["-2.0", "False"]], [["-1.0", "True"]], [["-3.0", "False"]]]
    task = LoggedTask("t", CONFIG, (row,), "acc", "none")
    answers = answers_of(task)
    assert references_of(task, answers) == ["same"]
    scored = [(answer.output, "same", answer.score) for answer in answers]
    assert scorer_of(task, scored, [answer.options for answer in answers])["name"] == "lm_eval"


def test_a_target_that_could_be_number_or_text_is_read_so_that_the_scores_follow() -> None:
    numbers = [["q", " 1"], ["q", " 0"]]
    by_number, by_text = one_row(target="1", arguments=numbers), one_row(target="0", arguments=numbers)
    for row in (by_number, by_text):
        task = LoggedTask("t", CONFIG, (row,), "acc", "none")
        assert references_of(task, answers_of(task)) == ["0"]


@pytest.mark.parametrize("change", [{"resps": []}, {"arguments": None}, {"resps": [[["x", "y"]]] * 2}])
def test_a_sample_without_what_its_kind_logs_is_one_line(change: dict[str, Any]) -> None:
    with pytest.raises(SuiteError, match="lacks what lm-eval logs"):
        answers_of(LoggedTask("t", CONFIG, (one_row(**change),), "acc", "none"))


def test_questions_come_from_the_columns_that_the_prompt_names(make_task: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_task("facts", [{"question": "Who?", "hint": "x", "choices": ["a", "b"], "answer": 0}])
    (task,) = task_files(folder)
    assert [question_of(row, task.config["doc_to_text"]) for row in task.documents()] == [
        text for _, text in task.texts()
    ]
