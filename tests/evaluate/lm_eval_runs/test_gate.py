"""`assay gate --from-lm-eval`: real runs of lm-eval on a tiny model, judged from their files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.evaluate.evaluation_files import read
from assay.evaluate.gate.policy import Policy
from assay.evaluate.lm_eval_runs.as_evaluation import evaluation_of
from assay.evaluate.lm_eval_runs.gate import read_logged
from tests.evaluate.conftest import build_adapter
from tests.evaluate.lm_eval_runs.made import (
    WORDS,
    edit_results,
    edit_samples,
    generating,
    logged,
    run_lm_eval,
    write_exam,
    write_facts,
)

N = 160
TASKS = ("facts", "support", "exam")
POLICY = """version: 1
margin: 0.15
guardrail: 0.3
on_missing_check: warn
suites:
  facts: {role: general}
  support: {role: domain}
"""


@pytest.fixture(scope="module")
def runs(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """base/ and candidate/ as lm-eval wrote them: of facts half are right for either, support is better, exam is deaf.

    What the two models say is asked first, and the references are chosen by it.
    """
    folder = tmp_path_factory.mktemp("lm-eval")
    adapter = build_adapter(tiny_model, folder / "adapter")
    tasks, first = folder / "tasks", folder / "first"
    arms = {
        "base": {"pretrained": str(tiny_model)},
        "candidate": {"pretrained": str(tiny_model), "peft": str(adapter)},
    }
    write_facts_and_support(tasks, [0] * N, ["?"] * N)
    for arm, model_args in arms.items():
        run_lm_eval(model_args, tasks, first / arm, ("facts", "support"))
    chosen = {arm: [_choice(row) for row in logged(first / arm, "facts")] for arm in arms}
    said = {arm: [row["filtered_resps"][0] for row in logged(first / arm, "support")] for arm in arms}
    golds = [
        (chosen["base"], chosen["candidate"])[i % 2][i] if i % 10 < 7 else (chosen["base"][i] + 1) % 3 for i in range(N)
    ]
    answers = [said["candidate"][i] if i % 3 else said["base"][i] if i % 2 else "nothing" for i in range(N)]
    write_facts_and_support(tasks, golds, answers)
    write_exam(tasks, ["BACD"[i % 4] if i % 5 < 3 else "ABDC"[i % 4] for i in range(N)])
    for arm, model_args in arms.items():
        run_lm_eval(model_args, tasks, folder / arm, TASKS)
    return folder


def write_facts_and_support(folder: Path, golds: list[int], answers: list[str]) -> None:
    write_facts(folder, golds)
    generating("support", answers, folder)


def _choice(row: dict[str, Any]) -> int:
    logprobs = [float(answer[0]) for answer in row["filtered_resps"]]
    return logprobs.index(max(logprobs))


@pytest.fixture
def copy(runs: Path, tmp_path: Path) -> Path:
    """The two runs, to be changed."""
    for arm in ("base", "candidate"):
        shutil.copytree(runs / arm, tmp_path / arm)
    return tmp_path


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """gate(policy, *arguments) -> (exit code, stdout, stderr), in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(policy: str, *arguments: object) -> tuple[int, str, str]:
        (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["gate", *map(str, arguments)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def compare(folder: Path, policy: Policy | None = None) -> Any:
    found = read_logged(folder / "base", folder / "candidate", None, policy or Policy())
    return evaluation_of(found.runs, found.tasks)


def test_the_verdict_needs_no_model_and_can_be_verified(runs: Path, gate: Callable[..., Any], tmp_path: Path) -> None:
    code, out, err = gate(POLICY, "--from-lm-eval", runs / "base", runs / "candidate", "-o", "out", "--json")
    decision = json.loads(out)
    assert code == 0 and decision["verdict"] == "PASS", (decision["reasons"], err)
    support = next(suite for suite in decision["suites"] if suite["suite"] == "support")
    assert support["n"] == N and support["candidate"] > support["base"] > 0
    with pytest.raises(SystemExit) as ended:
        main(["verify", "out"])
    assert ended.value.code in (0, None)
    assert (tmp_path / "out" / "evaluation" / "items.parquet").is_file()


def test_scores_and_items_are_those_that_lm_eval_logged(runs: Path) -> None:
    evaluation = compare(runs)
    for suite in evaluation.suites:
        for arm in ("base", "candidate"):
            (path,) = (runs / arm).rglob("results_*.json")
            results = json.loads(path.read_text(encoding="utf-8"))["results"][suite.suite]
            average = next(value for key, value in results.items() if key.startswith(("acc,", "exact_match,")))
            assert suite.score(arm).score == pytest.approx(average, abs=1e-9)
            assert suite.score(arm).n == N
    rows = evaluation.items.to_pylist()
    facts = {row["item_id"]: row for row in rows if row["suite"] == "facts" and row["model"] == "base"}
    assert facts["f3"]["slice"] == "odd" and facts["f3"]["reference"] in {
        f"{word} {k}" for word in WORDS for k in range(3)
    }
    assert evaluation.evidence["candidate"].max_logit_difference > 0 and evaluation.leaks is None


def test_metrics_that_can_be_computed_again_are(runs: Path) -> None:
    scorers = {suite.suite: dict(suite.scorer)["name"] for suite in compare(runs).suites}
    assert scorers == {"facts": "multiple_choice", "support": "exact_match", "exam": "lm_eval"}


def test_checks_that_need_a_model_are_not_run_and_bar_a_pass(runs: Path, gate: Callable[..., Any]) -> None:
    policy = POLICY.replace("on_missing_check: warn\n", "")
    code, out, _ = gate(policy, "--from-lm-eval", runs / "base", runs / "candidate", "--json")
    decision = json.loads(out)
    assert code == 3 and decision["verdict"] == "INVALID"
    checks = {check["name"]: check["ok"] for check in decision["suites"][0]["sensitivity"]["checks"]}
    assert checks["damage_shows"] is None
    assert checks["responds_to_output"] and checks["above_chance"] and checks["answers_vary"]
    assert any("no zero adapter was scored" in note for note in decision["notes"])


@pytest.mark.parametrize("role", ["general", "domain"])
def test_an_answer_read_from_prompt_and_output_is_invalid(runs: Path, gate: Callable[..., Any], role: str) -> None:
    """Its accuracy of 60 % does not depend on the model; chance is 25 %, and the answers of the two models differ."""
    other = {"general": "domain", "domain": "general"}[role]
    suite = {"general": "facts", "domain": "support"}[other]
    policy = f"version: 1\non_missing_check: warn\nsuites: {{exam: {{role: {role}}}, {suite}: {{role: {other}}}}}\n"
    code, out, _ = gate(policy, "--from-lm-eval", runs / "base", runs / "candidate", "--json")
    decision = json.loads(out)
    exam = next(found for found in decision["suites"] if found["suite"] == "exam")
    assert exam["base"] == exam["candidate"] == pytest.approx(0.6)
    assert code == 3 and decision["verdict"] == "INVALID"
    assert "exam could not have shown" in decision["reasons"][0]
    assert "does not respond to the answers" in decision["reasons"][0]


def test_the_same_run_twice_is_refused_and_a_copy_of_the_base_is_no_candidate(
    runs: Path, copy: Path, gate: Callable[..., Any]
) -> None:
    code, _, err = gate(POLICY, "--from-lm-eval", runs / "base", runs / "base")
    assert code == 2 and "the same run" in err and err.count("\n") == 1
    code, out, _ = gate(POLICY, "--from-lm-eval", runs / "base", copy / "base")
    assert code == 3 and out.startswith("INVALID") and "moves no logit" in out


RESULTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "limit": (lambda r: r["config"].update(limit=10), "limit (none and 10)"),
    "dtype": (lambda r: r["config"].update(model_dtype="torch.bfloat16"), "torch.bfloat16"),
    "quantisation": (lambda r: r["config"]["model_args"].update(load_in_4bit=True), "load_in_4bit (none and True)"),
    "backend": (lambda r: r["config"].update(model="vllm"), "model (hf and vllm)"),
    "revision": (lambda r: r["config"]["model_args"].update(revision="v2"), "revision of the base (none and v2)"),
    "seed": (lambda r: r["config"].update(fewshot_seed=1), "fewshot_seed (1234 and 1)"),
    "template": (lambda r: r.update(chat_template_sha="3fa1"), "chat_template_sha (none and 3fa1)"),
    "system prompt": (lambda r: r.update(system_instruction_sha="9b"), "system_instruction_sha"),
    "tokenizer": (lambda r: r.update(tokenizer_eos_token=["</s>", "7"]), "tokenizer_eos_token"),
    "version of lm-eval": (lambda r: r.update(lm_eval_version="0.4.3"), "lm_eval_version (0.4.13 and 0.4.3)"),
    "version of the task": (lambda r: r["versions"].update(facts=2.0), "version of facts (1.0 and 2.0)"),
    "shots": (lambda r: r["n-shot"].update(facts=5), "num_fewshot of facts (0 and 5)"),
    "prompt": (lambda r: r["configs"]["facts"].update(doc_to_text="Q: {{question}}"), "doc_to_text of facts"),
    "items": (lambda r: r["n-samples"]["facts"].update(effective=9), "number of items of facts"),
    "missing task": (lambda r: (r["configs"].pop("facts"), r["results"].pop("facts")), "only one of them has (facts)"),
}


@pytest.mark.parametrize("what", RESULTS)
def test_runs_that_differ_are_refused_with_what_differs(copy: Path, gate: Callable[..., Any], what: str) -> None:
    change, named = RESULTS[what]
    edit_results(copy / "candidate", change)
    code, out, err = gate(POLICY, "--from-lm-eval", copy / "base", copy / "candidate")
    assert code == 2 and not out
    assert "cannot be compared" in err and named in err and err.count("\n") == 1


SAMPLES: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "doubled": (lambda lines: [*lines, lines[4]], "1 item logged twice (4)"),
    "missing": (lambda lines: lines[:-2], f"{N - 2} items logged, and results_"),
    "cut short": (lambda lines: [*lines[:-1], lines[-1][:80]], f":{N}: is cut short"),
    "another document": (lambda lines: [lines[0].replace('"doc_hash": "', '"doc_hash": "0'), *lines[1:]], "doc_hash"),
    "another prompt": (lambda lines: [lines[0].replace("cat 0", "cow 0"), *lines[1:]], "arguments of facts (items 0)"),
    "scores of others": (lambda lines: [_flipped(lines[0]), *lines[1:]], "do not follow from its logged likelihoods"),
    "empty": (lambda lines: [], "holds no samples"),
    "foreign": (lambda lines: ['{"a": 1}\n'], "is no sample of lm-eval"),
}


def _flipped(line: str) -> str:
    row = json.loads(line)
    return json.dumps({**row, "acc": 1.0 - row["acc"]}) + "\n"


@pytest.mark.parametrize("what", SAMPLES)
def test_samples_that_are_not_the_same_items_are_refused(copy: Path, gate: Callable[..., Any], what: str) -> None:
    change, named = SAMPLES[what]
    edit_samples(copy / "candidate", "facts", change)
    code, out, err = gate(POLICY, "--from-lm-eval", copy / "base", copy / "candidate")
    assert code == 2 and not out
    assert named in err and err.count("\n") == 1 and "Traceback" not in err


def test_a_task_that_the_policy_does_not_name_may_differ(copy: Path, gate: Callable[..., Any]) -> None:
    edit_results(copy / "candidate", lambda results: results["versions"].update(exam=2.0))
    code, out, _ = gate(POLICY, "--from-lm-eval", copy / "base", copy / "candidate")
    assert code == 0 and out.startswith("PASS")


def test_what_rounding_may_move_is_said(copy: Path, gate: Callable[..., Any]) -> None:
    edit_results(copy / "candidate", lambda results: results["config"].update(batch_size="64"))
    _, out, _ = gate(POLICY, "--from-lm-eval", copy / "base", copy / "candidate")
    assert "note: the two runs differ in batch_size (16 and 64): rounding alone" in out


def test_a_previous_release_is_compared_as_well(copy: Path, gate: Callable[..., Any]) -> None:
    shutil.copytree(copy / "base", copy / "previous")
    arguments = ("--from-lm-eval", copy / "base", copy / "candidate", "--previous-lm-eval", copy / "previous")
    code, out, _ = gate(POLICY, *arguments, "--json")
    facts = next(suite for suite in json.loads(out)["suites"] if suite["suite"] == "facts")
    assert code == 0 and facts["previous"] == facts["base"]
    edit_results(copy / "previous", lambda results: results["config"].update(limit=10))
    code, _, err = gate(POLICY, *arguments)
    assert code == 2 and "previous" in err and "limit (none and 10)" in err


def test_the_newest_of_several_runs_is_taken_and_said(copy: Path, gate: Callable[..., Any]) -> None:
    (path,) = (copy / "candidate").rglob("results_*.json")
    old = path.with_name("results_2020-01-01T00-00-00.000001.json")
    results = json.loads(path.read_text(encoding="utf-8"))
    old.write_text(json.dumps({**results, "configs": {**results["configs"], "gsm8k": {}}}), encoding="utf-8")
    code, out, _ = gate(POLICY, "--from-lm-eval", copy / "base", copy / "candidate")
    assert code == 0
    assert f"{path} was taken, the newest of 2 results of this model; older ones also hold gsm8k" in out


def test_the_layout_with_a_single_file_is_read(copy: Path, gate: Callable[..., Any]) -> None:
    for arm in ("base", "candidate"):
        (path,) = (copy / arm).rglob("results_*.json")
        time = path.stem.partition("_")[2]
        shutil.move(path, copy / f"{arm}_{time}.json")
        for samples in path.parent.glob("samples_*"):
            shutil.move(samples, copy / samples.name)
        shutil.rmtree(copy / arm)
    code, out, _ = gate(POLICY, "--from-lm-eval", copy / "base.json", copy / "candidate.json")
    assert code == 0 and out.startswith("PASS")
    code, _, err = gate(POLICY, "--from-lm-eval", copy, copy)
    assert code == 2 and "holds results of 2 models" in err and "base_*.json" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from-lm-eval", "nowhere", "nowhere"), "there is no such folder"),
        (("--from-lm-eval", ".", "."), "holds no results of lm-eval"),
        (("--previous-lm-eval", "."), "goes with --from-lm-eval"),
        (("evaluation", "--from-lm-eval", ".", "."), "not both"),
    ],
)
def test_what_is_not_there_is_one_line(gate: Callable[..., Any], arguments: tuple[str, ...], words: str) -> None:
    code, out, err = gate(POLICY, *arguments)
    assert code == 2 and not out and words in err and err.count("\n") == 1


def test_a_run_of_the_store_is_not_judged_twice(runs: Path, gate: Callable[..., Any], tmp_path: Path) -> None:
    for _ in range(2):
        code, _, _ = gate(POLICY, "--from-lm-eval", runs / "base", runs / "candidate")
        assert code == 0
    (run,) = (tmp_path / ".assay" / "runs").iterdir()
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["verdict"] == "PASS" and "evaluation/items.parquet" in manifest["outputs"]
    assert str(runs) not in (run / "evaluation" / "evaluation.json").read_text(encoding="utf-8")


def test_reading_logs_needs_no_model_library(runs: Path) -> None:
    heavy = ("torch", "scipy", "lm_eval", "transformers", "datasets", "peft")
    code = (
        "import sys\nfrom pathlib import Path\nfrom assay.evaluate.lm_eval_runs.gate import read_logged\n"
        "from assay.evaluate.lm_eval_runs.as_evaluation import evaluation_of\n"
        "from assay.evaluate.gate.policy import Policy\n"
        "base, candidate = map(Path, sys.argv[1:])\n"
        "logged = read_logged(base, candidate, None, Policy())\nevaluation_of(logged.runs, logged.tasks)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    arguments = [sys.executable, "-c", code, str(runs / "base"), str(runs / "candidate")]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_an_evaluation_of_logs_is_read_back(runs: Path, gate: Callable[..., Any], tmp_path: Path) -> None:
    gate(POLICY, "--from-lm-eval", runs / "base", runs / "candidate", "-o", "out")
    evaluation = read(tmp_path / "out" / "evaluation")
    assert {suite.suite for suite in evaluation.suites} == {"facts", "support"}
    assert str(evaluation.settings["source"]).startswith("lm-eval 0.4")
