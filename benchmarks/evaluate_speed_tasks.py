"""The tasks that `evaluate_speed.py` asks, as lm-eval's YAML with data files beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

GENERAL = Path(__file__).resolve().parent.parent / "assay" / "sample_data" / "general" / "small"
CHOICE = ("facts", "grammar", "kinds")
EXAMPLES = 5


@dataclass(frozen=True)
class Tasks:
    """rows  names of the tasks of each row of the benchmark"""

    folder: Path
    rows: dict[str, list[str]] = field(default_factory=dict)

    def add(self, row: str, name: str, records: Sequence[Mapping[str, Any]], examples: int = 0, **config: Any) -> None:
        """The first records are the examples, the same for every item."""
        task = f"{row}_{name}"
        files = {part: str(self.folder / f"{task}_{part}.jsonl") for part in ("train", "test")}
        for part, chosen in (("train", records[:EXAMPLES]), ("test", records[EXAMPLES:])):
            Path(files[part]).write_text("".join(json.dumps(record) + "\n" for record in chosen))
        content = {
            "task": task,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": files},
            "test_split": "test",
            "fewshot_split": "train",
            "fewshot_config": {"sampler": "first_n"},
            "num_fewshot": examples,
            **config,
        }
        (self.folder / f"{task}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        self.rows.setdefault(row, []).append(task)

    def choice(self, row: str, name: str, records: Sequence[Mapping[str, Any]], examples: int = 0) -> None:
        """Records with question, choices and answer."""
        self.add(
            row,
            name,
            records,
            examples,
            output_type="multiple_choice",
            doc_to_text="{{question}}",
            doc_to_choice="choices",
            doc_to_target="answer",
            metric_list=[{"metric": "acc"}],
        )

    def generate(self, row: str, name: str, records: Sequence[Mapping[str, Any]], most: int, examples: int) -> None:
        """Records with question and target."""
        self.add(
            row,
            name,
            records,
            examples,
            output_type="generate_until",
            doc_to_text="Q: {{question}}\nA:",
            doc_to_target="{{target}}",
            generation_kwargs={"until": ["Q:", "\n\n"], "max_gen_toks": most, "do_sample": False},
            metric_list=[{"metric": "exact_match"}],
        )

    def perplexity(self, row: str, name: str, texts: Sequence[str]) -> None:
        self.add(
            row,
            name,
            [{"text": text} for text in texts],
            output_type="loglikelihood_rolling",
            doc_to_text="",
            doc_to_target="{{text}}",
            metric_list=[{"metric": "word_perplexity"}],
        )


def write_tasks(folder: Path, data: Path | None) -> dict[str, list[str]]:
    """Names of the tasks of each row; data is a folder with `llm_adapters_benchmarks`, `gsm8k` and `bbh`."""
    tasks = Tasks(folder)
    _bundled(tasks)
    if data is not None:
        _arc(tasks, data / "llm_adapters_benchmarks" / "ARC-Challenge" / "test.json")
        _bbh(tasks, data / "bbh" / "bbh" / "boolean_expressions.json")
        _gsm8k(tasks, data / "gsm8k" / "test.jsonl")
    return tasks.rows


def _bundled(tasks: Tasks) -> None:
    for name in CHOICE:
        records = read_lines(GENERAL / f"{name}.jsonl")
        tasks.choice("choice", name, records)
        tasks.choice("choice5", name, records, EXAMPLES)
    facts = read_lines(GENERAL / "facts.jsonl")
    asked = [{"question": f"{fact['question']}...?", "target": fact["choices"][fact["answer"]]} for fact in facts]
    tasks.generate("generate", "facts", asked, 24, 0)
    sentences = [f"{fact['question']} {fact['choices'][fact['answer']]}." for fact in facts]
    texts = [" ".join(sentences[at : at + 12]) for at in range(0, len(sentences) - 12, 3)]
    tasks.perplexity("perplexity", "facts", texts)


def _arc(tasks: Tasks, path: Path) -> None:
    """Once as the file has it, options named in the question, and once as lm-eval asks it, the options' texts."""
    items = json.loads(path.read_text())
    names = [f"answer{number}" for number in range(1, 6)]
    named = [
        {
            "question": f"{item['instruction']}\nThe correct answer is",
            "choices": names,
            "answer": names.index(item["answer"]),
        }
        for item in items
    ]
    for row, records in (("arc", named), ("arc_text", [_with_texts(item) for item in items])):
        tasks.choice(row, "challenge", records)
        tasks.choice(f"{row}5", "challenge", records, EXAMPLES)


def _with_texts(item: Mapping[str, str]) -> dict[str, Any]:
    question, options = item["instruction"].split("\n\nAnswer1: ")
    texts = re.split(r" Answer\d: ", options.partition("\n\nAnswer format")[0])
    question = question.removeprefix("Please choose the correct answer to the question: ")
    return {
        "question": f"Question: {question}\nAnswer:",
        "choices": texts,
        "answer": int(item["answer"].removeprefix("answer")) - 1,
    }


def _bbh(tasks: Tasks, path: Path) -> None:
    truths = [
        {
            "question": f"Q: {item['input']}\nA:",
            "choices": ["True", "False"],
            "answer": int(item["target"] == "False"),
        }
        for item in json.loads(path.read_text())["examples"]
    ]
    tasks.choice("bbh5", "boolean", truths, EXAMPLES)


def _gsm8k(tasks: Tasks, path: Path) -> None:
    problems = read_lines(path)
    answers = [{"question": item["question"], "target": item["answer"].partition("####")[2]} for item in problems]
    tasks.generate("gsm8k", "problems", answers, 64, EXAMPLES)
    tasks.perplexity("gsm8k_perplexity", "problems", [item["question"] + " " + item["answer"] for item in problems])


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
