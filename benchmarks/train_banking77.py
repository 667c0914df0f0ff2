"""banking77 with the embedded model: exact answers of the base and of a QLoRA adapter, and the time training took.

    python benchmarks/train_banking77.py SHARED OUT [section.setting=value ...]

1,000 training and 300 test messages, each sampled by label with seed 0 (the file is sorted by label), two epochs
at 5e-4. The prompt is the message alone, the answer its label: the base cannot know the labels, the adapter learns
them. Prints one JSON document. SHARED is the folder of real data.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from assay.chat import ChatTarget, inference_prompt, load_target
from assay.config import Document, parse
from assay.dataset import Dataset
from assay.models import load_adapter, load_base, resolve
from assay.records import Message, Record, Source, record_id, row_id
from assay.train.settings import TrainSettings
from assay.train.stage import train

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MODEL = "smollm2-135m-instruct"


def sample(path: Path, count: int, seed: int, split: str) -> list[Record]:
    """`count` rows, the labels in turn, each label's rows in random order."""
    by_label: dict[str, list[tuple[int, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row, line in enumerate(csv.DictReader(file)):
            by_label[line["category"]].append((row, line["text"]))
    rng = random.Random(seed)
    for rows in by_label.values():
        rng.shuffle(rows)
    labels = sorted(by_label)
    rng.shuffle(labels)
    records: list[Record] = []
    depth = 0
    while len(records) < count and any(len(by_label[label]) > depth for label in labels):
        for label in labels:
            if depth < len(by_label[label]) and len(records) < count:
                row, text = by_label[label][depth]
                messages = (Message("user", text), Message("assistant", label))
                source = Source(path.name, row + 2, row)
                records.append(
                    Record(record_id(messages), row_id(path.name, row), messages, source, family=text, split=split)
                )
        depth += 1
    return records


def exact_answers(model: PreTrainedModel, target: ChatTarget, records: list[Record], batch: int = 32) -> float:
    """Share of records whose greedy answer is the reference, character for character."""
    import torch

    order = sorted(records, key=lambda record: len(record.prompt[-1].content or ""))
    right = 0
    for start in range(0, len(order), batch):
        chunk = order[start : start + batch]
        prompts = [inference_prompt(record.prompt, target) for record in chunk]
        width = max(map(len, prompts))
        ids = torch.tensor([[target.pad_token_id] * (width - len(ids)) + ids for ids in prompts])
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts])
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=16, do_sample=False,
                eos_token_id=list(target.stop_token_ids), pad_token_id=target.pad_token_id,
            )  # fmt: skip
        for record, tokens in zip(chunk, out[:, width:], strict=True):
            right += target.tokenizer.decode(tokens, skip_special_tokens=True).strip() == record.answer
    return right / len(records)


def main(shared: Path, out: Path, overrides: list[str]) -> None:
    folder = shared / "data" / "domain" / "banking77"
    document = Document({"train": {"num_train_epochs": 2, "learning_rate": 5e-4}}, "command line").override(overrides)
    settings, _ = parse(TrainSettings, document.section("train"))
    training = sample(folder / "train.csv", 1000, 0, "train")
    test = sample(folder / "test.csv", 300, 0, "test")
    target = load_target(MODEL)
    ref = resolve(MODEL)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    cpu = time.process_time()
    trained = train(Dataset.from_records(training), settings, out, target, ref, say=say)
    cpu = time.process_time() - cpu
    model = load_base(ref, load_in_4bit=settings.load_in_4bit, dtype=trained.recipe.dtype)
    base = exact_answers(model, target, test)
    adapted = exact_answers(load_adapter(model, trained.adapter, "candidate"), target, test)
    result = {
        "base": base,
        "adapter": adapted,
        "seconds": round(trained.seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "steps": trained.steps,
        "training_loss": trained.training_loss,
        "losses_every_five_steps": [round(entry.loss, 3) for entry in trained.log if entry.loss and not entry.step % 5],
        "gradient_ratio": trained.gradient_ratio,
        "recipe": trained.recipe.to_json(),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
