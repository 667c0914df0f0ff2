"""A release on real data from its plan to the file that ships: plan, run, merge, GGUF, parity.

    python benchmarks/release_chain.py SHARED OUT [--data banking77|pubmedqa] [--model MODEL]
                                       [--outtypes f32,f16,q8_0] [section.setting=value ...]

banking77: 1,000 messages train, 300 test messages are the domain suite, the intent as it is written is the answer.
pubmedqa:  the 500 abstracts that are not in its published test set train, the test set's 500 are the suite, the answer
           is yes, no or maybe.
General ability is held by the bundled suites. Each step is the command that a user would type, and what it ended with
is printed; then a table, one row an artefact: checks of parity, nats a token, scores of both on the domain suite, and
the verdict. The GGUF rows need `llama-cpp-python` beside assay. SHARED is the folder of real data.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_banking77 import Row, rows_of, sample, write_lines, write_suite

SETTINGS = """\
version: 1
model_name_or_path: MODEL
store: store
data: [{path: train.jsonl}]
curate: {min_records: 300, purpose: domain, split: {validation: 0.08}}
train: {load_in_4bit: true, lora_r: 16, num_train_epochs: 2, learning_rate: 5.0e-4, effective_batch_size: 8,
  general_data: [GENERAL], general_ratio: 0.35}
evaluate: {suites: [suite.yaml], include_path: "bundled:small", damaged_items: 100, slightly_damaged_items: 100}
gate: {policy: policy.yaml}
"""
MIXED_IN = Path(__file__).resolve().parent.parent / "sample_data" / "general.jsonl"
"""General records against forgetting: without them one task teaches a small model to answer everything like it."""

GENERAL = (
    "everyday",
    "facts",
    "grammar",
    "kinds",
    "one_instruction",
    "short_answers",
    "uses_and_places",
    "word_meaning",
)


@dataclass(frozen=True)
class Done:
    """A command as it ended. document: of --json; {} where it printed none"""

    code: int
    seconds: float
    document: dict[str, Any]
    said: str


@dataclass(frozen=True)
class Shipped:
    """One artefact held against what was gated."""

    name: str
    size_mb: float
    seconds: float
    verdict: str
    checks: tuple[tuple[str, str], ...]


def assay(*arguments: str, folder: Path) -> Done:
    """The command in a process of its own; its progress goes to this one's stderr as it comes."""
    print("$ assay " + " ".join(arguments), flush=True)
    started = time.monotonic()
    command = [sys.executable, "-m", "assay.cli", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - started
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = {}
    print(f"  exit code {done.returncode}, {seconds:.0f} s", flush=True)
    return Done(done.returncode, seconds, document, done.stdout)


def banking77(shared: Path, out: Path) -> None:
    source = shared / "data" / "domain" / "banking77"
    train = sample(rows_of(source / "train.csv"), 1000, 0)
    write_training([(row.text, row.category) for row in train], out)
    write_suite(sample(rows_of(source / "test.csv"), 300, 0), "suite", out)


def pubmedqa(shared: Path, out: Path) -> None:
    source = shared / "data" / "domain" / "pubmedqa"
    published = json.loads((source / "test_ground_truth.json").read_text(encoding="utf-8"))
    rows: dict[bool, list[Row]] = {True: [], False: []}
    for name, item in json.loads((source / "ori_pqal.json").read_text(encoding="utf-8")).items():
        context = "\n".join(item["CONTEXTS"])
        prompt = f"{context}\n\nQuestion: {item['QUESTION']}\nAnswer yes, no or maybe."
        rows[name in published].append(Row(prompt, item["final_decision"]))
    write_training([(row.text, row.category) for row in rows[False]], out)
    write_suite(rows[True], "suite", out)


def write_training(pairs: Sequence[tuple[str, str]], out: Path) -> None:
    write_lines(
        [
            {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}
            for prompt, answer in pairs
        ],
        out / "train.jsonl",
    )


def prepare(shared: Path, out: Path, data: str, model: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    {"banking77": banking77, "pubmedqa": pubmedqa}[data](shared, out)
    suite = out / "suite.yaml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("name: banking77", f"name: {data}"), encoding="utf-8")
    settings = SETTINGS.replace("MODEL", model).replace("GENERAL", str(MIXED_IN))
    (out / "assay.yaml").write_text(settings, encoding="utf-8")
    policy = {
        "version": 1,
        "margin": 0.05,
        "guardrail": 0.1,
        "suites": {
            data: {"role": "domain", "required": True},
            **{f"assay_{name}": {"role": "general", "required": True} for name in GENERAL},
        },
    }
    (out / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")


def gated(out: Path, overrides: Sequence[str]) -> Path | None:
    """The adapter, trained and gated; None where the pipeline ended before it."""
    plan = assay("plan", *overrides, folder=out)
    print(plan_line(plan.document))
    ran = assay("run", *overrides, folder=out)
    decision = ran.document.get("decision") or {}
    print(f"  {decision.get('verdict')}: " + "; ".join(decision.get("reasons", ())))
    for suite in decision.get("suites", ()):
        print(
            f"    {suite['suite']:24} {suite['role']:8} n={suite['n']:<5} {100 * suite['base']:5.1f} -> "
            f"{100 * suite['candidate']:5.1f}  {suite['verdict']}"
        )
    adapter = ran.document.get("adapter")
    return Path(adapter) if adapter else None


def plan_line(document: dict[str, Any]) -> str:
    here = document["here"]["memory"]["peak"] + document["here"]["imports"]
    return (
        f"  {document['planned']}, {document['steps']} steps, {document['tokens']:,.0f} tokens, "
        f"{here / 1e9:.2f} GB here, adapter of {document['adapter_bytes'] / 1e6:.1f} MB"
    )


def shipped(name: str, artefact: Path, adapter: Path, out: Path, items: int) -> Shipped:
    """Parity of one artefact with the adapter that was gated, its scores on the domain suite among it."""
    arguments = ["parity", str(artefact), "--against", str(adapter), "--suite", "suite.yaml", "--records", "16"]
    done = assay(*arguments, "--limit", str(items), "-o", f"parity-{name}", folder=out)
    checks = tuple(
        (check["name"], f"{check['outcome']}: {check['sentence']}") for check in done.document.get("checks", ())
    )
    paths = [artefact] if artefact.is_file() else list(artefact.glob("*.safetensors"))
    size = sum(path.stat().st_size for path in paths) / 1e6
    return Shipped(name, size, done.seconds, str(done.document.get("outcome")), checks)


def main(shared: Path, out: Path, options: argparse.Namespace, overrides: Sequence[str]) -> None:
    out = out.resolve()
    prepare(shared, out, options.data, options.model)
    adapter = gated(out, overrides)
    if adapter is None:
        raise SystemExit("no adapter came of it")
    adapter = (out / adapter).resolve()
    rows: list[Shipped] = []
    for name, base, dtype in (("merged-bf16", "full", "bfloat16"), ("merged-f32", "dequantized", "float32")):
        target = out / name
        if not target.is_dir():
            assay("merge", str(adapter), "-o", name, "--base", base, "--dtype", dtype, folder=out)
        rows.append(shipped(name, target, adapter, out, options.items))
    for outtype in filter(None, options.outtypes.split(",")):
        file = out / f"model-{outtype}.gguf"
        if not file.is_file():
            assay("export", "gguf", "merged-f32", "-o", file.name, "--outtype", outtype, folder=out)
        rows.append(shipped(f"gguf-{outtype}", file, adapter, out, options.items))
    for row in rows:
        print(f"{row.name:12} {row.size_mb:7.0f} MB  {row.seconds:5.0f} s  {row.verdict}")
        for check, says in row.checks:
            print(f"    {check:18} {says}")


def parsed() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", choices=("banking77", "pubmedqa"), default="banking77")
    parser.add_argument("--model", default="smollm2-135m-instruct", help="with a chat template")
    parser.add_argument("--outtypes", default="f32,f16,q8_0", help="of the GGUF files")
    parser.add_argument("--items", type=int, default=300, help="of the domain suite, for parity")
    return parser.parse_known_args()


if __name__ == "__main__":
    given, rest = parsed()
    main(given.shared, given.out, given, rest)
