"""Averages without the answers behind them: intervals, the command that keeps the answers, and never a PASS."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from assay.cli import main
from assay.evaluate.gate.policy import read_policy
from assay.evaluate.gate.unpaired import judge_averages, newcombe_interval
from assay.evaluate.lm_eval_runs.logs import read_run
from assay.evaluate.lm_eval_runs.rerun import rerun_command
from assay.findings import Verdict

TIME = "2026-01-02T03-04-05.000006"
POLICY = "version: 1\nguardrail: 0.05\nsuites: {facts: {role: general}, support: {role: domain}}\n"


def results(scores: dict[str, float], n: int = 400, **changed: Any) -> dict[str, Any]:
    """As lm-eval 0.4.13 writes them without --log_samples."""

    def average(score: float) -> dict[str, Any]:
        return {
            "alias": "-",
            "sample_len": n,
            "acc,none": score,
            "acc_stderr,none": (score * (1 - score) / (n - 1)) ** 0.5,
        }

    return {
        "results": {task: average(score) for task, score in scores.items()},
        "configs": {
            task: {"metric_list": [{"metric": "acc"}], "metadata": {"config_source": "/w/my tasks/a.yaml"}}
            for task in scores
        },
        "versions": dict.fromkeys(scores, 1.0),
        "n-shot": dict.fromkeys(scores, 5),
        "higher_is_better": {task: {"acc": True} for task in scores},
        "n-samples": {task: {"original": n, "effective": n} for task in scores},
        "config": {
            "model": "hf",
            "model_args": {"pretrained": "org/base", "load_in_4bit": True},
            "model_dtype": "torch.float16",
            "batch_size": "8",
            "device": "cuda:0",
            "limit": 400.0,
            "gen_kwargs": {},
            "random_seed": 0,
            "numpy_seed": 1234,
            "torch_seed": 1234,
            "fewshot_seed": 7,
        },
        "lm_eval_version": "0.4.13",
        "model_name": "org/base",
        "model_name_sanitized": "org__base",
        **changed,
    }


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """gate(base scores, candidate scores, *arguments) -> (exit code, stdout, stderr)"""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")

    def run(base: dict[str, Any], candidate: dict[str, Any], *arguments: str) -> tuple[int, str, str]:
        for arm, found in (("base", base), ("candidate", candidate)):
            folder = tmp_path / arm / "org__base"
            folder.mkdir(parents=True)
            (folder / f"results_{TIME}.json").write_text(json.dumps(found), encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["gate", "--from-lm-eval", "base", "candidate", *arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.mark.parametrize(("right", "other"), [(56, 48), (9, 3), (10, 0), (0, 0), (10, 10)])
def test_newcombes_interval_is_that_of_statsmodels(right: int, other: int) -> None:
    n, m = 70, 80
    if right <= 10:
        n = m = 10
    low, high = confint_proportions_2indep(right, n, other, m, method="newcomb", alpha=0.05)
    assert newcombe_interval((right / n, n), (other / m, m), 0.95) == pytest.approx((low, high), abs=1e-6)


def test_newcombes_published_example() -> None:
    """Newcombe 1998, table II, 56/70 against 48/80, method 10: 0.0524 to 0.3339."""
    assert newcombe_interval((56 / 70, 70), (48 / 80, 80), 0.95) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_better_averages_are_never_a_pass(gate: Callable[..., Any], tmp_path: Path) -> None:
    code, out, _ = gate(
        results({"facts": 0.6, "support": 0.2}), results({"facts": 0.7, "support": 0.9}), "--json", "-o", "o"
    )
    decision = json.loads(out)
    assert code == 4 and decision["verdict"] == "INCONCLUSIVE" and decision["certificate"] is None
    assert "not kept (facts, support)" in decision["reasons"][0]
    support = next(task for task in decision["unpaired"] if task["task"] == "support")
    assert support["method"] == "newcombe" and support["n"] == 400
    assert support["difference"] == pytest.approx(0.7)
    assert support["ci"][0] < 0.7 < support["ci"][1]
    assert json.loads((tmp_path / "o" / "decision.json").read_text(encoding="utf-8")) == decision


@pytest.mark.parametrize("base", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("gained", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("more", ["", "on_missing_check: warn\n", "on_inconclusive: warn\n", "margin: 0.3\n"])
def test_no_averages_and_no_policy_make_a_pass(tmp_path: Path, base: float, gained: float, more: str) -> None:
    runs = []
    for arm, score in (("base", base), ("candidate", base + gained)):
        folder = tmp_path / arm / "org__base"
        folder.mkdir(parents=True)
        found = results({"facts": 0.6 + gained, "support": score}, n=100_000)
        (folder / f"results_{TIME}.json").write_text(json.dumps(found), encoding="utf-8")
        runs.append(read_run(tmp_path / arm))
    text = f"version: 1\nguardrail: 0.4\nsuites: {{facts: {{role: general}}, support: {{role: domain}}}}\n{more}"
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    policy = read_policy(tmp_path / "policy.yaml")
    judged = judge_averages(runs[0], runs[1], ["facts", "support"], policy, [], ["facts", "support"])
    assert judged.verdict is Verdict.INCONCLUSIVE


def test_it_is_written_for_pull_requests_and_ci_as_well(gate: Callable[..., Any], tmp_path: Path) -> None:
    arm = results({"facts": 0.6, "support": 0.2})
    code, out, _ = gate(arm, arm, "--markdown", "gate.md", "--junit", "gate.xml")
    assert code == 4
    written = (tmp_path / "gate.md").read_text(encoding="utf-8")
    assert written.startswith("## INCONCLUSIVE\n\n```text\n") and out.strip() in written
    assert "not kept (facts, support)" in (tmp_path / "gate.xml").read_text(encoding="utf-8")


def test_a_loss_beyond_the_guardrail_is_proved_all_the_same(gate: Callable[..., Any]) -> None:
    code, out, _ = gate(results({"facts": 0.8, "support": 0.2}), results({"facts": 0.6, "support": 0.9}))
    assert code == 3 and out.startswith("BLOCK")
    assert "a loss beyond the guardrail of 5 points is proved" in out


def test_a_graded_average_takes_lm_evals_standard_error(gate: Callable[..., Any]) -> None:
    arms = [results({"facts": 0.5, "support": 0.5}) for _ in range(2)]
    for arm in arms:
        arm["results"]["facts"]["acc_stderr,none"] = 0.01
    _, out, _ = gate(*arms, "--json")
    facts = next(task for task in json.loads(out)["unpaired"] if task["task"] == "facts")
    assert facts["method"] == "stderr"
    assert facts["ci"] == pytest.approx([-1.959964 * 0.01 * 2**0.5, 1.959964 * 0.01 * 2**0.5])


def test_a_perplexity_is_set_aside_and_named(gate: Callable[..., Any]) -> None:
    arms = [results({"facts": 0.5, "support": 0.5}) for _ in range(2)]
    for arm in arms:
        arm["results"]["facts"] = {"word_perplexity,none": 9.1, "word_perplexity_stderr,none": "N/A"}
    _, out, _ = gate(*arms)
    assert "note: not compared, without an average from 0 to 1: facts" in out


def test_averages_of_other_questions_are_refused(gate: Callable[..., Any]) -> None:
    changed = results({"facts": 0.6, "support": 0.2})
    changed["n-shot"]["facts"] = 0
    code, out, err = gate(results({"facts": 0.6, "support": 0.2}), changed)
    assert code == 2 and not out and "num_fewshot of facts (5 and 0)" in err and err.count("\n") == 1


def test_the_command_to_run_again_is_one_that_lm_eval_takes(gate: Callable[..., Any], tmp_path: Path) -> None:
    """lm-eval's own parser reads it as the settings that were logged."""
    from lm_eval._cli.harness import HarnessCLI
    from lm_eval.config.evaluate_config import EvaluatorConfig

    changed = {
        "system_instruction": "Answer 'yes' or \"no\".",
        "chat_template_sha": "3f",
        "fewshot_as_multiturn": False,
    }
    arm = results({"facts": 0.6, "support": 0.2}, **changed)
    _, out, _ = gate(arm, arm)
    (command,) = [line.strip() for line in out.splitlines() if "--log_samples" in line and "base --log" in line]
    assert command == rerun_command(read_run(tmp_path / "base"), ("facts", "support")).replace(str(tmp_path) + "/", "")
    program, *arguments = shlex.split(command)
    assert program == "lm_eval"
    config = EvaluatorConfig.from_cli(HarnessCLI()._parser.parse_args(["run", *arguments]))
    assert config.model == "hf" and config.model_args == {"pretrained": "org/base", "load_in_4bit": True}
    assert config.tasks in (["facts", "support"], "facts,support") and config.num_fewshot == 5
    assert (config.include_path, config.batch_size, config.device) == ("/w/my tasks", "8", "cuda:0")
    assert config.limit == 400 and config.seed == [0, 1234, 1234, 7]
    assert config.system_instruction == changed["system_instruction"] and config.apply_chat_template is True
    assert config.fewshot_as_multiturn is False and config.log_samples and str(config.output_path) == "base"
