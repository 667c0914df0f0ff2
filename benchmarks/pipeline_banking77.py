"""The main job on a domain of real users: banking77, from two CSV files to a verdict.

    python benchmarks/pipeline_banking77.py SHARED OUT [section.setting=value ...]

Audits all 10,003 training messages against all 3,080 test messages; then 1,000 training and 300 test messages, sampled
by label with seed 0, go through `assay run` with ARC-Challenge, OpenBookQA and one BBH task for general ability. Prints
the leaks that the audit found, how long each stage took, and the scores with intervals. SHARED is the folder of real
data; everything is written to OUT.
"""

from __future__ import annotations

import csv
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from assay.api import audit
from assay.curate.settings import CurateSettings
from assay.pipeline import run
from assay.pipeline.ending import ending
from assay.pipeline.outcome import outcome_of
from assay.sources import ReadSettings, read
from assay.suites import read_suite

SETTINGS = """\
version: 1
model_name_or_path: smollm2-135m-instruct
store: store
data: [{path: train.csv, columns: {prompt: text, answer: category}}]
curate: {min_records: 500, split: {validation: 0.05}}
train: {load_in_4bit: true, num_train_epochs: 2, learning_rate: 5.0e-4, effective_batch_size: 8}
evaluate: {suites: [suite.yaml], include_path: tasks, damaged_items: 150}
gate: {policy: policy.yaml}
"""
POLICY = """\
version: 1
margin: 0.05
guardrail: 0.1
suites:
  banking77: {role: domain, required: true}
  arc_challenge: {role: general, required: true}
  openbookqa: {role: general, required: true}
  bbh_sports_understanding: {role: general, required: false}
"""
SUITE = """\
version: 1
name: banking77
data: FILE
scorer: exact_match
max_new_tokens: 16
"""
TASK = """\
task: NAME
dataset_path: json
dataset_kwargs: {data_files: {test: NAME.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc_norm, aggregation: mean, higher_is_better: true}]
"""
OPTION = re.compile(r"Answer\d+: (.*?)(?= Answer\d+: |$)", re.DOTALL)


class Row(NamedTuple):
    text: str
    category: str


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(line["text"], line["category"]) for line in csv.DictReader(file)]


def sample(rows: list[Row], count: int, seed: int) -> list[Row]:
    """`count` rows, the labels in turn, each label's rows in random order."""
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row.category].append(row)
    rng = random.Random(seed)
    for found in by_label.values():
        rng.shuffle(found)
    labels = sorted(by_label)
    rng.shuffle(labels)
    depth = max(len(found) for found in by_label.values())
    turns = [by_label[label][turn] for turn in range(depth) for label in labels if turn < len(by_label[label])]
    return turns[:count]


def write_suite(rows: list[Row], name: str, folder: Path) -> Path:
    items = [{"id": f"{name}-{n}", "prompt": row.text, "reference": row.category} for n, row in enumerate(rows)]
    write_lines(items, folder / f"{name}.jsonl")
    path = folder / f"{name}.yaml"
    path.write_text(SUITE.replace("FILE", f"{name}.jsonl"), encoding="utf-8")
    return path


def write_lines(rows: list[dict[str, object]], path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_task(name: str, rows: Iterator[tuple[str, list[str], int]], folder: Path) -> None:
    """A task as lm-eval ships it for ARC: the question as text, the likeliest option by its length is the answer."""
    items = [
        {"id": f"{name}-{n}", "question": question, "choices": choices, "answer": answer}
        for n, (question, choices, answer) in enumerate(rows)
    ]
    write_lines(items, folder / f"{name}.jsonl")
    (folder / f"{name}.yaml").write_text(TASK.replace("NAME", name), encoding="utf-8")


def multiple_choice(path: Path) -> Iterator[tuple[str, list[str], int]]:
    """Rows of the LLM-Adapters benchmarks: question and options stand in one instruction."""
    for row in json.loads(path.read_text(encoding="utf-8")):
        body = row["instruction"].partition("question: ")[2].rpartition("\n\nAnswer format")[0]
        question, _, options = body.partition("\n\nAnswer1: ")
        choices = [option.strip() for option in OPTION.findall(f"Answer1: {options}")]
        yield question.strip(), choices, int(row["answer"].removeprefix("answer")) - 1


def yes_or_no(path: Path) -> Iterator[tuple[str, list[str], int]]:
    for example in json.loads(path.read_text(encoding="utf-8"))["examples"]:
        yield example["input"], ["yes", "no"], ["yes", "no"].index(example["target"])


def prepare(shared: Path, out: Path) -> None:
    """The project that `assay run` gets: what a user would write, from what a user would have."""
    banking, general = shared / "data" / "domain" / "banking77", shared / "data" / "general"
    (out / "tasks").mkdir(parents=True, exist_ok=True)
    with (out / "train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        writer.writerows(sample(rows_of(banking / "train.csv"), 1000, 0))
    write_suite(sample(rows_of(banking / "test.csv"), 300, 0), "suite", out)
    adapters = general / "llm_adapters_benchmarks"
    write_task("arc_challenge", multiple_choice(adapters / "ARC-Challenge" / "test.json"), out / "tasks")
    write_task("openbookqa", multiple_choice(adapters / "openbookqa" / "test.json"), out / "tasks")
    bbh = general / "bbh" / "bbh" / "sports_understanding.json"
    write_task("bbh_sports_understanding", yes_or_no(bbh), out / "tasks")
    (out / "assay.yaml").write_text(SETTINGS, encoding="utf-8")
    (out / "policy.yaml").write_text(POLICY, encoding="utf-8")


def audit_whole(shared: Path, out: Path) -> None:
    """All of it, against all test messages."""
    banking = shared / "data" / "domain" / "banking77"
    suite = read_suite(write_suite(rows_of(banking / "test.csv"), "whole", out))
    started = time.monotonic()
    data = read([str(banking / "train.csv")], ReadSettings(columns={"prompt": "text", "answer": "category"}))
    audited = audit(data, CurateSettings(), None, [suite])
    seconds = time.monotonic() - started
    print(f"audit of {len(data):,} records against {len(suite.items):,} items: {seconds:.1f} s")
    for name, counted in sorted(audited.summary.items()):
        print(f"  {name:24} {counted}")


def main(shared: Path, out: Path, overrides: tuple[str, ...]) -> None:
    prepare(shared, out)
    audit_whole(shared, out)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    result = run(out / "assay.yaml", overrides=overrides, say=say)
    for stage in result.stages:
        print(f"{stage.stage:10} {stage.seconds:7.0f} s{'  unchanged' if stage.reused else ''}")
    print(ending(outcome_of(result)))
    evaluation = next(stage.path for stage in result.stages if stage.stage == "evaluate")
    for found in json.loads((evaluation / "evaluation.json").read_text(encoding="utf-8"))["suites"]:
        for score in found["scores"]:
            low, high = 100 * score["ci_low"], 100 * score["ci_high"]
            print(
                f"{found['suite']:26} {score['model']:9} n={score['n']:<5} {100 * score['score']:5.1f} "
                f"[{low:.1f}, {high:.1f}]"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), tuple(sys.argv[3:]))
