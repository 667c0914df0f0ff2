"""Seven adapters whose worth is known, through the gate as users run it: what it says of each, and why.

    python benchmarks/release_verdicts.py SHARED OUT [--records 1000] [--items 300] [--only good,zero]

The base is the embedded model, the domain banking77 (`--records` training and `--items` test messages, sampled by label
with seed 0); general ability is asked by the bundled suites, ARC-Challenge, OpenBookQA and tasks of BBH. The adapters:

good         trained on the labels for two epochs
mixed        the same, with short answers to general questions among them (alpaca_en_demo), so that it forgets less
shuffled     the same, with 30 % of the labels shuffled among themselves
overtrained  a quarter of the records, ten epochs at ten times the rate
zero         the good one with nothing in its second factors: it adds nothing
noised       the good one with noise of the size of its weights
other_base   shaped for a base of another width

Every step is a command of assay in a process of its own. Prints what each gate says, word for word, and a table of
exit codes, verdicts and scores. Answers of the base are computed once. SHARED is the folder of real data.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assay.suites.general import general_names
from benchmarks.pipeline_banking77 import (
    Row,
    multiple_choice,
    rows_of,
    sample,
    write_lines,
    write_suite,
    write_task,
)

if TYPE_CHECKING:
    from torch import Tensor

MODEL = "smollm2-135m-instruct"
BBH = ("sports_understanding", "causal_judgement", "formal_fallacies")
TRAINING = ("train.load_in_4bit=true", "train.effective_batch_size=8")
CAREFUL = ("train.num_train_epochs=2", "train.learning_rate=5e-4")
CARELESS = ("train.num_train_epochs=10", "train.learning_rate=5e-3")
POLICY = """\
version: 1
margin: 0.02
guardrail: 0.05
suites:
  banking77: {role: domain}
"""
REQUIRED = "  {name}: {{role: general}}\n"
OPTIONAL = "  {name}: {{role: general, required: false}}\n"


class Ending(NamedTuple):
    """What a command left. lines: what it said, on both streams."""

    code: int
    lines: str
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--only", default=",".join(MAKERS))
    arguments = parser.parse_args()
    out: Path = arguments.out.resolve()
    prepare(arguments.shared, out, arguments.records, arguments.items)
    rows = [verdict_of(name, out) for name in arguments.only.split(",")]
    print("\nadapter      exit  verdict        domain          general         seconds: adapter, evaluation, gate")
    print("\n".join(rows))


def prepare(shared: Path, out: Path, records: int, items: int) -> None:
    """Training data, suites and policy, as a user would have them."""
    banking, general = shared / "data" / "domain" / "banking77", shared / "data" / "general"
    (out / "tasks").mkdir(parents=True, exist_ok=True)
    rows = sample(rows_of(banking / "train.csv"), records, 0)
    write_training(rows, out / "good.jsonl")
    write_training(shuffled(rows, 0.3), out / "shuffled.jsonl")
    write_training(rows[: len(rows) // 4], out / "overtrained.jsonl")
    general_questions = short_answers(shared / "data" / "instruction" / "llamafactory" / "alpaca_en_demo.json")
    write_training([*rows, *general_questions], out / "mixed.jsonl")
    write_suite(sample(rows_of(banking / "test.csv"), items, 0), "banking77", out)
    adapters = general / "llm_adapters_benchmarks"
    tasks = {
        "arc_challenge": multiple_choice(adapters / "ARC-Challenge" / "test.json"),
        "openbookqa": multiple_choice(adapters / "openbookqa" / "test.json"),
        **{f"bbh_{name}": few_answers(general / "bbh" / "bbh" / f"{name}.json") for name in BBH},
    }
    for name, found in tasks.items():
        write_task(name, found, out / "tasks")
    policy = POLICY + "".join(REQUIRED.format(name=name) for name in general_names("small"))
    policy += "".join(OPTIONAL.format(name=name) for name in tasks)
    (out / "policy.yaml").write_text(policy, encoding="utf-8")


def shuffled(rows: list[Row], share: float) -> list[Row]:
    """That share of the labels is dealt anew among the rows that have them."""
    rng = random.Random(0)
    places = rng.sample(range(len(rows)), round(share * len(rows)))
    dealt = rng.sample(places, len(places))
    out = list(rows)
    for place, source in zip(places, dealt, strict=True):
        out[place] = Row(rows[place].text, rows[source].category)
    return out


def short_answers(path: Path, most_words: int = 40) -> Iterator[Row]:
    for record in json.loads(path.read_text(encoding="utf-8")):
        if record["output"] and len(record["output"].split()) <= most_words:
            yield Row(f"{record['instruction']}\n{record['input']}".strip(), record["output"])


def write_training(rows: list[Row], path: Path) -> None:
    write_lines([{"prompt": row.text, "completion": row.category} for row in rows], path)


def assay(out: Path, *arguments: str) -> Ending:
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "assay", *arguments], cwd=out, capture_output=True, text=True, check=False
    )
    return Ending(ran.returncode, ran.stdout + ran.stderr, time.monotonic() - started)


def few_answers(path: Path) -> Iterator[tuple[str, list[str], int]]:
    """A task of BBH whose answers are a handful of words."""
    examples = json.loads(path.read_text(encoding="utf-8"))["examples"]
    choices = sorted({example["target"] for example in examples})
    for example in examples:
        yield example["input"], choices, choices.index(example["target"])


def trained(name: str, out: Path, *settings: str) -> Ending:
    overrides = [part for setting in (*TRAINING, *settings) for part in ("--set", setting)]
    data = f"{name}.jsonl"
    ran = assay(out, "train", data, "--model", MODEL, "-o", f"trained-{name}", "--offline", "--quiet", *overrides)
    if ran.code == 0:
        shutil.copytree(out / f"trained-{name}" / "adapter", out / name, dirs_exist_ok=True)
    return ran


def remade(name: str, out: Path, change: Callable[[str, Tensor], Tensor]) -> Ending:
    """The good adapter with other weights and without its manifest: an adapter from elsewhere."""
    from safetensors.torch import load_file, save_file

    started = time.monotonic()
    shutil.copytree(out / "good", out / name, dirs_exist_ok=True)
    (out / name / "assay.json").unlink(missing_ok=True)
    path = out / name / "adapter_model.safetensors"
    save_file({key: change(key, weights).contiguous() for key, weights in load_file(path).items()}, path)
    return Ending(0, "", time.monotonic() - started)


def zeroed(key: str, weights: Tensor) -> Tensor:
    return weights * 0 if "lora_B" in key else weights


def noised(key: str, weights: Tensor) -> Tensor:
    """Noise of the root mean square of the weights themselves."""
    import torch

    generator = torch.Generator().manual_seed(len(key) + sum(key.encode()))
    return weights + torch.randn(weights.shape, generator=generator) * weights.square().mean().sqrt()


def widened(key: str, weights: Tensor) -> Tensor:
    """As for a hidden size of 960 in place of 576."""
    import torch

    return torch.zeros([960 if size == 576 else size for size in weights.shape])


MAKERS: dict[str, Callable[[Path], Ending]] = {
    "good": lambda out: trained("good", out, *CAREFUL),
    "mixed": lambda out: trained("mixed", out, *CAREFUL),
    "shuffled": lambda out: trained("shuffled", out, *CAREFUL),
    "overtrained": lambda out: trained("overtrained", out, *CARELESS),
    "zero": lambda out: remade("zero", out, zeroed),
    "noised": lambda out: remade("noised", out, noised),
    "other_base": lambda out: remade("other_base", out, widened),
}


def verdict_of(name: str, out: Path) -> str:
    """One row of the table; what the gate says is printed at once."""
    print(f"\n== {name}", flush=True)
    made = MAKERS[name](out)
    if made.code:
        print(made.lines)
        return f"{name:12} {made.code:4}  not trained"
    scored = assay(
        out, "evaluate", "--model", MODEL, "--adapter", name, "--training-data", f"{training_of(name)}.jsonl",
        "--suite", "banking77.yaml", "--include-path", "bundled:small", "--include-path", "tasks",
        "--previous", "none", "-o", f"evaluated-{name}", "--offline", "--quiet",
    )  # fmt: skip
    if scored.code:
        print(scored.lines)
        return f"{name:12} {scored.code:4}  not scored                                     {made.seconds:.0f}"
    judged = assay(out, "gate", f"evaluated-{name}", "--policy", "policy.yaml", "-o", f"gated-{name}")
    print(judged.lines)
    decision = json.loads((out / f"gated-{name}" / "decision.json").read_text(encoding="utf-8"))
    seconds = f"{made.seconds:.0f}, {scored.seconds:.0f}, {judged.seconds:.0f}"
    scores = f"{domain(decision):15} {general_ability(decision):15}"
    return f"{name:12} {judged.code:4}  {decision['verdict']:14} {scores} {seconds}"


def domain(decision: dict[str, Any]) -> str:
    """Scores of base and candidate, in points."""
    suite = next(found for found in decision["suites"] if found["suite"] == "banking77")
    return f"{100 * suite['base']:.1f} -> {100 * suite['candidate']:.1f}"


def general_ability(decision: dict[str, Any]) -> str:
    """Candidate less base in points, with its interval."""
    macro = decision["macro"]
    if macro is None:
        return "not judged"
    low, high = (100 * end for end in macro["ci"])
    return f"{100 * macro['difference']:+.1f} [{low:+.1f}, {high:+.1f}]"


def training_of(name: str) -> str:
    return name if name in ("good", "mixed", "shuffled", "overtrained") else "good"


if __name__ == "__main__":
    main()
