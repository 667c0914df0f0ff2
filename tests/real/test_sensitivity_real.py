"""Which suites could have shown a regression, on the embedded model and real questions, through the real commands.

The fault is the published one: the first letter from A to E of prompt and output together, which is in the prompt.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.cli import main
from assay.errors import ModelError
from assay.models import load_base, resolve
from assay.models.embedded import DEFAULT_MODEL

EXTRACTOR = """
import re


def letter_fn(resps, docs):
    return [
        [(re.search("[A-E]", doc["question"] + text) or [""])[0] for text in texts] for texts, doc in zip(resps, docs)
    ]
"""
POLICY = """version: 1
suites:
  intents: {role: general}
  extractor: {role: general}
"""
ITEMS = 100
OPTIONS = 4


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LoRA weights large enough to change answers."""
    import torch
    from peft import LoraConfig, get_peft_model

    try:
        ref = resolve(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(load_base(ref), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_intents(shared: Path, folder: Path) -> Path:
    """Messages of banking77, each with its intent among three others."""
    with (shared / "data" / "domain" / "banking77" / "test.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    rng = random.Random(0)
    intents = sorted({row["category"].replace("_", " ") for row in rows})
    items = []
    for number, row in enumerate(rng.sample(rows, ITEMS)):
        own = row["category"].replace("_", " ")
        choices = [own, *rng.sample([intent for intent in intents if intent != own], OPTIONS - 1)]
        rng.shuffle(choices)
        prompt = f"Message: {row['text'].strip()}\nThe customer writes about:"
        items.append({"id": f"i{number}", "prompt": prompt, "choices": choices, "reference": choices.index(own)})
    write_lines(folder / "intents.jsonl", items)
    header = {"version": 1, "name": "intents", "data": "intents.jsonl", "scorer": "multiple_choice"}
    (folder / "intents.yaml").write_text(yaml.safe_dump(header | {"apply_chat_template": False}), encoding="utf-8")
    return folder / "intents.yaml"


def write_extractor(shared: Path, folder: Path) -> Path:
    """ARC-Challenge with lettered options, answered in words and read by the faulty filter."""
    tasks = folder / "tasks"
    tasks.mkdir()
    source = shared / "data" / "general" / "llm_adapters_benchmarks" / "ARC-Challenge" / "test.json"
    rows = json.loads(source.read_text(encoding="utf-8"))[:ITEMS]
    asked = [
        {"id": f"q{number}", "question": row["instruction"], "letter": "ABCDE"[int(row["answer"][-1]) - 1]}
        for number, row in enumerate(rows)
    ]
    write_lines(tasks / "extractor.jsonl", asked)
    (tasks / "utils.py").write_text(EXTRACTOR, encoding="utf-8")
    content = {
        "task": "extractor",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "extractor.jsonl"}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{question}}\nAnswer:",
        "doc_to_target": "{{letter}}",
        "generation_kwargs": {"until": ["\n\n"], "max_gen_toks": 4, "do_sample": False},
        "metric_list": [{"metric": "exact_match"}],
        "filter_list": [
            {"name": "first", "filter": [{"function": "custom", "filter_fn": "!function utils.letter_fn"}]}
        ],
    }
    text = yaml.safe_dump(content, sort_keys=False).replace("'!function utils.letter_fn'", "!function utils.letter_fn")
    (tasks / "extractor.yaml").write_text(text, encoding="utf-8")
    return tasks


def assay(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def suites(shared: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The sensitivity of each suite, by its name, as the gate writes it."""
    folder = tmp_path_factory.mktemp("sensitivity")
    intents, tasks = write_intents(shared, folder), write_extractor(shared, folder)
    arguments = ["evaluate", "--model", DEFAULT_MODEL, "--adapter", adapter]
    arguments += ["--suite", intents, "--include-path", tasks, "--limit", str(ITEMS)]
    assert assay(*arguments, "-o", folder / "evaluation", "-q") == 0
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    code = assay("gate", folder / "evaluation", "--policy", folder / "policy.yaml", "-o", folder / "gate", "-q")
    decision = json.loads((folder / "gate" / "decision.json").read_text(encoding="utf-8"))
    assert code == 3 and decision["verdict"] == "INVALID"
    return {suite["suite"]: suite["sensitivity"] for suite in decision["suites"]}


def test_a_sound_suite_is_valid(suites: dict[str, dict[str, Any]]) -> None:
    assert suites["intents"]["valid"], suites["intents"]["reasons"]


def test_a_letter_taken_from_prompt_and_output_together_is_no_answer(suites: dict[str, dict[str, Any]]) -> None:
    """Swapping the answers between items lowers nothing, and neither does ruining the model."""
    found = {check["name"]: check["ok"] for check in suites["extractor"]["checks"]}
    assert not suites["extractor"]["valid"] and suites["extractor"]["reasons"]
    assert found["responds_to_output"] is False and found["damage_shows"] is False
