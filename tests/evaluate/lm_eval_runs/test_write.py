"""assay's own evaluation in lm-eval's layout: lm-eval's tools read it, and `--from-lm-eval` gives the same verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import write
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy
from assay.evaluate.lm_eval_runs.as_evaluation import evaluation_of
from assay.evaluate.lm_eval_runs.gate import read_logged
from assay.evaluate.lm_eval_runs.write import write_lm_eval

POLICY = Policy(margin=0.03)


def read_back(folder: Path, previous: bool = False) -> Evaluation:
    place = folder / "previous" if previous else None
    logged = read_logged(folder / "base", folder / "candidate", place, POLICY)
    return evaluation_of(logged.runs, logged.tasks)


@pytest.fixture
def passing(synthetic: Callable[..., Evaluation], suite: Any) -> Evaluation:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    slices = suite("grammar", n=600, slices=("a", "b"), cluster_size=2, damaged_items=150, previous_gain=0.05)
    return synthetic(suite("arc_easy"), slices, domain)


@pytest.mark.parametrize("change", [{}, {"gain": -0.3}, {"fixed": True}, {"n": 40, "discordance": 0.0}])
def test_the_verdict_read_back_is_identical_to_the_last_number(
    synthetic: Callable[..., Evaluation], suite: Any, passing: Evaluation, tmp_path: Path, change: dict[str, Any]
) -> None:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    evaluation = synthetic(suite("arc_easy", **change), domain) if change else passing
    write_lm_eval(evaluation, {}, tmp_path / "out")
    found = read_back(tmp_path / "out")
    assert gate(found, POLICY).to_json() == gate(evaluation, POLICY).to_json()
    key = ("suite", "model", "item_id")
    rows = [sorted(e.items.to_pylist(), key=lambda row: [row[k] for k in key]) for e in (evaluation, found)]
    assert rows[0] == rows[1]


def test_lm_evals_own_tools_read_it(passing: Evaluation, tmp_path: Path) -> None:
    from datasets import load_dataset
    from lm_eval.utils import (
        get_file_datetime,
        get_file_task_name,
        get_results_filenames,
        get_sample_results_filenames,
        make_table,
    )

    paths = write_lm_eval(passing, {}, tmp_path / "out")
    assert [path.parent.name for path in paths] == ["base", "candidate", "damaged", "zero", "previous"]
    table = make_table(json.loads(paths[1].read_text(encoding="utf-8")))
    score = next(found.score("candidate").score for found in passing.suites if found.suite == "grammar")
    assert "|grammar " in table and f"{score:.4f}" in table and "exact_match" in table
    names = [str(path) for path in paths[1].parent.iterdir()]
    assert get_results_filenames(names) == [str(paths[1])]
    samples = get_sample_results_filenames(names)
    assert sorted(get_file_task_name(Path(name).name) for name in samples) == ["arc_easy", "grammar", "support"]
    assert {get_file_datetime(Path(name).name) for name in samples} == {paths[1].stem.partition("_")[2]}
    rows = load_dataset("json", data_files=samples[0], split="train", cache_dir=str(tmp_path / "cache"))
    documented = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
    assert documented | {"doc_hash", "prompt_hash", "target_hash", "exact_match"} <= set(rows.column_names)


def test_results_that_assay_wrote_say_no_path_of_this_machine(passing: Evaluation, tmp_path: Path) -> None:
    settings = {"paths": {"adapter": "/home/someone/adapter"}, "suites": ["/home/someone/a.yaml"], "limit": 3}
    for path in write_lm_eval(replace(passing, settings=settings), {}, tmp_path / "out"):
        assert "someone" not in path.read_text(encoding="utf-8")


def test_two_evaluations_of_different_bases_are_not_mixed(passing: Evaluation, tmp_path: Path) -> None:
    write_lm_eval(passing, {}, tmp_path / "one")
    base = {**passing.identity["base"], "weights_sha256": "9" * 64}  # type: ignore[dict-item]
    write_lm_eval(replace(passing, identity={**passing.identity, "base": base}), {}, tmp_path / "two")
    (tmp_path / "two" / "base").rename(tmp_path / "one" / "other")
    logged = read_logged(tmp_path / "one" / "other", tmp_path / "one" / "candidate", None, POLICY)
    with pytest.raises(Exception, match="cannot be compared"):
        evaluation_of(logged.runs, logged.tasks)


@pytest.mark.parametrize("name", ["a/b", "/a", "a\\b"])
def test_a_name_that_is_no_files_name_is_one_line(
    synthetic: Callable[..., Evaluation], suite: Any, tmp_path: Path, name: str
) -> None:
    evaluation = synthetic(suite(name, n=5))
    if name == "a\\b":
        write_lm_eval(evaluation, {}, tmp_path / "out")
        return
    with pytest.raises(Exception, match="no part of a file's name"):
        write_lm_eval(evaluation, {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_evaluate_writes_it_and_gate_reads_it_with_the_same_verdict(
    tiny_model: Path,
    make_adapter: Callable[..., Path],
    make_suite: Callable[..., Path],
    make_task: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("cat", "mat", "yes", "no", "sat")
    adapter = make_adapter("adapter")
    asked = [{"id": str(i), "prompt": f"{words[i % 5]} {i}?", "reference": words[i % 5]} for i in range(12)]
    support = make_suite("support", asked, scorer="contains", max_new_tokens=3)
    rows = [
        {"id": f"f{i}", "question": f"{words[i % 5]} {i}", "choices": list(words[:3]), "answer": i % 3}
        for i in range(12)
    ]
    make_task("facts", rows)
    (tmp_path / "policy.yaml").write_text("version: 1\n", encoding="utf-8")

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit):
            main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    evaluate = ("evaluate", "--model", tiny_model, "--adapter", adapter, "--suite", support, "--include-path", "tasks")
    run(*evaluate, "-o", "evaluation", "--write-lm-eval", "out")
    run("gate", "evaluation", "-o", "first")
    run("gate", "--from-lm-eval", "out/base", "out/candidate", "-o", "second")
    first, second = (
        json.loads((tmp_path / name / "decision.json").read_text(encoding="utf-8")) for name in ("first", "second")
    )
    assert {**first, "certificate": None} == {**second, "certificate": None}
    (samples,) = (tmp_path / "out" / "candidate").glob("samples_facts_*")
    sample = json.loads(samples.read_text(encoding="utf-8").splitlines()[0])
    assert sample["doc"]["question"] == sample["arguments"]["gen_args_0"]["arg_0"] == "cat 0"
    assert sample["doc"]["choices"] == list(words[:3]) and sample["acc"] in (0.0, 1.0)


def test_a_synthetic_evaluation_on_disk_is_the_one_that_is_read(passing: Evaluation, tmp_path: Path) -> None:
    """The check of the checks: another score of one item gives another decision."""
    write(passing, tmp_path / "evaluation")
    write_lm_eval(passing, {}, tmp_path / "out")
    (samples,) = (tmp_path / "out" / "candidate").glob("samples_support_*")
    lines = samples.read_text(encoding="utf-8").splitlines(keepends=True)
    row = json.loads(lines[0])
    row["assay"]["score"] = 1.0 - row["assay"]["score"]
    samples.write_text(json.dumps(row) + "\n" + "".join(lines[1:]), encoding="utf-8")
    assert gate(read_back(tmp_path / "out"), POLICY).to_json() != gate(passing, POLICY).to_json()
