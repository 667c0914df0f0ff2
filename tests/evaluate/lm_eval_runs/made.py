"""Real runs of lm-eval over a tiny model, written by lm-eval's own tracker as its command line does."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

WORDS = ("cat", "mat", "yes", "no", "sat", "user", "system", "on", "the", "assistant")
EXTRACTOR = '''
import re


def first_letter(doc, results):
    """Reads the answer from prompt and output together, and so from the prompt."""
    found = re.search("[A-D]", doc["question"] + results[0])
    return {"acc": float(bool(found) and found.group() == doc["answer"])}
'''


def run_lm_eval(
    model_args: Mapping[str, Any], tasks: Path, output: Path, names: Sequence[str], **settings: Any
) -> None:
    """`lm_eval --model hf ... --output_path OUTPUT --log_samples`, in this process."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    log_samples = settings.pop("log_samples", True)
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tracker = EvaluationTracker(output_path=str(output))
    given = {"batch_size": 16, "device": "cpu", "bootstrap_iters": 0, "model": "hf"} | settings
    results = simple_evaluate(
        model_args={"dtype": "float32", **model_args},
        tasks=list(names),
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        log_samples=True,
        evaluation_tracker=tracker,
        **given,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples if log_samples else None)
    if log_samples:
        for task in results["configs"]:
            tracker.save_results_samples(task_name=task, samples=samples[task])


def write_task(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], **config: Any) -> None:
    """A task with data that lm-eval finds from anywhere."""
    folder.mkdir(exist_ok=True)
    data = folder / f"{name}.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    content = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "doc_to_text": "{{question}}",
        "metadata": {"version": 1.0},
        **config,
    }
    text = yaml.safe_dump(content, sort_keys=False).replace("'!function ", "!function ").replace("_letter'", "_letter")
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def write_facts(folder: Path, golds: Sequence[int]) -> None:
    """Multiple choice among words; half of the items share a cluster with another."""
    rows = [
        {
            "id": f"f{i}",
            "question": f"{WORDS[i % 7]} {i} {WORDS[i % 10]}",
            "choices": [WORDS[(i + 3 * k) % 10] + f" {k}" for k in range(3)],
            "answer": gold,
            "slice": "even" if i % 2 == 0 else "odd",
        }
        for i, gold in enumerate(golds)
    ]
    metrics = [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")]
    write_task(
        folder,
        "facts",
        rows,
        output_type="multiple_choice",
        doc_to_choice="choices",
        doc_to_target="answer",
        metric_list=metrics,
    )


def generating(name: str, golds: Sequence[str], folder: Path, **config: Any) -> None:
    rows = [
        {"question": f"{'BACD'[i % 4]}: {WORDS[i % 6]} {i} {WORDS[i % 9]}", "answer": gold}
        for i, gold in enumerate(golds)
    ]
    metric = [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]
    stripped = [{"name": "stripped", "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}]}]
    write_task(
        folder,
        name,
        rows,
        **{
            "output_type": "generate_until",
            "doc_to_target": "{{answer}}",
            "generation_kwargs": {"until": ["\n"], "max_gen_toks": 3, "do_sample": False},
            "filter_list": stripped,
            "metric_list": metric,
            **config,
        },
    )


def write_exam(folder: Path, golds: Sequence[str]) -> None:
    """An examination whose answer is taken from prompt and output together."""
    (folder / "utils.py").write_text(EXTRACTOR, encoding="utf-8")
    metric = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]
    generating("exam", golds, folder, process_results="!function utils.first_letter", metric_list=metric)


def logged(folder: Path, task: str) -> list[dict[str, Any]]:
    (path,) = folder.rglob(f"samples_{task}_2*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def edit_results(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    (path,) = folder.rglob("results_*.json")
    results = json.loads(path.read_text(encoding="utf-8"))
    change(results)
    path.write_text(json.dumps(results), encoding="utf-8")


def edit_samples(folder: Path, task: str, change: Callable[[list[str]], list[str]]) -> None:
    (path,) = folder.rglob(f"samples_{task}_2*.jsonl")
    lines = change(path.read_text(encoding="utf-8").splitlines(keepends=True))
    path.write_text("".join(lines), encoding="utf-8")
