"""Verdicts on evaluations as they lie on disk, through the command: precedence, must-pass items, slices, the last
release, and two gates at once on one store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.cli import main
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import write
from assay.evaluate.release.verify import verify

Make = Callable[..., Evaluation]
GENERAL = ("facts", "grammar", "kinds")


@pytest.fixture
def judge(
    tmp_path: Path, synthetic: Make, suite: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Writes an evaluation with changed suites, and gives what `assay gate --json` says of it under a policy."""
    monkeypatch.chdir(tmp_path)

    def run(
        changes: dict[str, dict[str, Any]] | None = None, policy: dict[str, Any] | None = None, **settings: Any
    ) -> dict[str, Any]:
        changes = changes or {}
        domain = suite("support", n=300, p_base=0.3, gain=0.15, discordance=0.2, p_damaged=0.02, chance=None,
                       kind="suite", slices=("refund", "login"))  # fmt: skip
        suites = [replace(domain, **changes.get("support", {}))]
        suites += [replace(suite(name, n=1500, discordance=0.04), **changes.get(name, {})) for name in GENERAL]
        write(synthetic(*suites), tmp_path / "evaluation")
        roles: dict[str, Any] = {name: {"role": "general"} for name in GENERAL} | {"support": {"role": "domain"}}
        for name, more in (policy or {}).items():
            roles[name] |= more
        document = {"version": 1, **settings, "suites": roles}
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["gate", "evaluation", "-o", "out", "--json"])
        decision: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert not [claim for claim in verify(tmp_path / "out" / "certificate.json") if claim.ok is False]
        return {**decision, "exit": int(ended.value.code or 0)}

    return run


def of(decision: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in decision["suites"] if entry["suite"] == name)


def test_a_better_adapter_that_kept_its_abilities_passes(judge: Callable[..., dict[str, Any]]) -> None:
    decision = judge()
    assert (decision["verdict"], decision["exit"]) == ("PASS", 0)


def test_a_domain_proved_worse_blocks(judge: Callable[..., dict[str, Any]]) -> None:
    decision = judge({"support": {"gain": -0.2}})
    assert (decision["verdict"], decision["exit"]) == ("BLOCK", 3)
    assert of(decision, "support")["verdict"] == "BLOCK"


def test_a_required_suite_that_sees_nothing_decides_although_another_proves_harm(
    judge: Callable[..., dict[str, Any]],
) -> None:
    decision = judge({"facts": {"fixed": True}, "grammar": {"gain": -0.3, "discordance": 0.3}})
    assert (decision["verdict"], decision["exit"]) == ("INVALID", 3)
    assert decision["reasons"][0].startswith("facts could not have shown a regression")
    assert "loss beyond the guardrail on grammar" in decision["reasons"][-1]


def test_an_optional_suite_that_sees_nothing_is_set_aside_and_named(judge: Callable[..., dict[str, Any]]) -> None:
    decision = judge({"facts": {"fixed": True}}, {"facts": {"required": False}})
    assert decision["verdict"] == "PASS" and "facts" not in decision["macro"]["suites"]
    assert any(note.startswith("facts is optional and was set aside") for note in decision["notes"])


def test_a_required_domain_suite_in_doubt_decides_and_an_optional_one_does_not(
    judge: Callable[..., dict[str, Any]], suite: Any
) -> None:
    decision = judge({"support": {"gain": 0.0, "n": 120}})
    assert (decision["verdict"], decision["exit"]) == ("INCONCLUSIVE", 4)
    assert decision["items_needed"] is None or decision["items_needed"] > 0
    alone = judge({"support": {"gain": 0.0, "n": 120}}, {"support": {"required": False}})
    assert alone["verdict"] == "INCONCLUSIVE", "the only domain suite is what a PASS rests on, required or not"
    assert alone["reasons"] == decision["reasons"] and "a gain is not proved" in alone["reasons"][0]


def test_inconclusive_may_only_warn(judge: Callable[..., dict[str, Any]]) -> None:
    decision = judge({"support": {"gain": 0.0, "n": 120}}, on_inconclusive="warn")
    assert (decision["verdict"], decision["exit"]) == ("INCONCLUSIVE", 0)


@pytest.mark.parametrize(("item", "verdict"), [("support-0", None), ("nowhere", "INVALID")])
def test_items_that_must_pass(judge: Callable[..., dict[str, Any]], tmp_path: Path, item: str, verdict: str) -> None:
    import pyarrow.parquet as pq

    decision = judge(policy={"support": {"must_pass": [item]}})
    rows = pq.read_table(tmp_path / "evaluation" / "items.parquet").to_pylist()
    score = {row["item_id"]: row["score"] for row in rows if row["model"] == "candidate"}.get(item)
    assert decision["verdict"] == (verdict or ("PASS" if score == 1.0 else "BLOCK"))


def test_an_item_that_must_pass_and_does_not_blocks(judge: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    judge()
    rows = pq.read_table(tmp_path / "evaluation" / "items.parquet").to_pylist()
    failing = next(
        r["item_id"] for r in rows if r["suite"] == "support" and r["model"] == "candidate" and not r["score"]
    )
    decision = judge(policy={"support": {"must_pass": [failing]}})
    assert decision["verdict"] == "BLOCK" and failing in decision["reasons"][0]


def test_slices_and_the_last_release_are_in_the_document(judge: Callable[..., dict[str, Any]]) -> None:
    changes = {name: {"previous_gain": 0.0} for name in GENERAL} | {"support": {"previous_gain": 0.05}}
    decision = judge(changes, {"support": {"slices": {"refund": {"guardrail": 0.2}}}})
    assert decision["verdict"] == "PASS"
    slices = {part["slice"]: part for part in of(decision, "support")["slices"]}
    assert slices["refund"]["verdict"] == "PASS" and slices["refund"]["guardrail"] == 0.2
    assert slices["login"]["verdict"] is None and slices["login"]["guardrail"] is None
    assert of(decision, "support")["against_previous"]["n"] == 300
    assert decision["macro"]["against_previous"]["n"] == 4500


def test_harm_against_the_last_release_blocks_and_may_be_ignored(judge: Callable[..., dict[str, Any]]) -> None:
    changes = {"support": {"previous_gain": 0.5}}
    assert judge(changes)["verdict"] == "BLOCK"
    assert judge(changes, previous="ignore")["verdict"] == "PASS"


def test_two_gates_at_once_on_one_store_leave_two_whole_runs_or_one(
    tmp_path: Path, synthetic: Make, suite: Any
) -> None:
    """Real processes, started together, on the same evaluation and on another."""
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    write(synthetic(suite("facts"), domain), tmp_path / "one")
    write(synthetic(suite("facts", gain=-0.3), domain), tmp_path / "other")
    (tmp_path / "policy.yaml").write_text("version: 1\nmargin: 0.03\n", encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "assay", "gate", name, "--json"],
            cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("one", "one", "other")
    ]  # fmt: skip
    ended = [(*process.communicate(timeout=120), process.returncode) for process in started]
    assert all("Traceback" not in error for _, error, _ in ended)
    assert json.loads(ended[2][0])["verdict"] == "BLOCK" and ended[2][2] == 3
    passed = [out for out, _, code in ended[:2] if code == 0]
    refused = [error for out, error, code in ended[:2] if code == 1 and not out]
    assert passed and len(passed) + len(refused) == 2
    assert all(json.loads(out)["verdict"] == "PASS" for out in passed)
    assert all("another assay process is working on this run" in e and e.count("\n") == 1 for e in refused)
    runs = sorted((tmp_path / ".assay" / "runs").iterdir())
    assert len(runs) == 2
    for run in runs:
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["outcome"] == "done"
        assert not [claim for claim in verify(run / "certificate.json") if claim.ok is False]
    left = [path for path in (tmp_path / ".assay").rglob("*") if path.suffix == ".tmp" or ".part" in path.name]
    assert not left


def test_the_divergence_of_a_real_model_is_that_of_its_own_probabilities(
    tmp_path: Path,
    tiny_model: Path,
    tiny_adapter: Path,
    make_suite: Callable[..., Path],
    make_task: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scored by `assay evaluate`, judged by `assay gate`; transformers computes the options' likelihoods again."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.chdir(tmp_path)
    questions = [f"the cat {n}" for n in range(8)]
    make_task(
        "facts", [{"id": q, "question": q, "choices": ["yes", "no", "on the mat"], "answer": 0} for q in questions]
    )
    make_suite("free", [{"id": f"f{n}", "prompt": f"say {n}", "reference": "e"} for n in range(5)], max_new_tokens=3)
    (tmp_path / "policy.yaml").write_text("version: 1\n", encoding="utf-8")

    def run(*arguments: object) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    run("evaluate", "--model", tiny_model, "--adapter", tiny_adapter, "--suite", "free.yaml", "--include-path", "tasks",
        "evaluate.dtype=float32", "-o", "evaluation")  # fmt: skip
    decision = json.loads(run("gate", "evaluation", "-o", "out", "--json"))
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    candidate = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), tiny_adapter)

    def options(model: Any, question: str) -> Any:
        sums = []
        for option in ("yes", "no", "on the mat"):
            context = tokenizer.encode(question)
            rest = tokenizer.encode(f"{question} {option}")[len(context) :]
            with torch.inference_mode():
                logprobs = model(torch.tensor([context + rest])).logits[0].log_softmax(-1)
            sums.append(sum(logprobs[len(context) - 1 + i, token] for i, token in enumerate(rest)))
        return torch.stack(sums).double().log_softmax(-1)

    pairs = [(options(candidate, question), options(base, question)) for question in questions]
    expected = [float((p.exp() * (p - q)).sum()) for p, q in pairs]
    facts = of(decision, "facts")
    assert facts["kl"]["n"] == 8 and facts["kl"]["mean"] == pytest.approx(sum(expected) / 8, abs=1e-4)
    assert sum(expected) > 0.001 and of(decision, "free")["kl"] is None
