"""Records of three real data sets for `train_speed.py`, and what each way of making batches computes of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from train_banking77 import sample

from assay.records import Message, Record, Source, record_id, row_id

DATA = ("alpaca_en_demo", "banking77", "pubmedqa")


def records_of(shared: Path, name: str, training: int, validation: int) -> list[Record]:
    """The first records of a shuffle with seed 0, split "train" and "validation"; all there are where too few."""
    if name == "banking77":
        records = sample(shared / "data/domain/banking77/train.csv", min(10_000, training + validation), 0, "")
    else:
        pairs = _alpaca(shared) if name == "alpaca_en_demo" else _pubmedqa(shared)
        random.Random(0).shuffle(pairs)
        records = [_record(name, number, *pair) for number, pair in enumerate(pairs)]
    records = list({record.id: record for record in records}.values())[: training + validation]
    cut = len(records) - validation
    return [replace(record, split="train" if n < cut else "validation") for n, record in enumerate(records)]


def _alpaca(shared: Path) -> list[tuple[str, str]]:
    rows = json.loads((shared / "data/instruction/llamafactory/alpaca_en_demo.json").read_text(encoding="utf-8"))
    return [("\n".join(filter(None, (row["instruction"], row["input"]))), row["output"]) for row in rows]


def _pubmedqa(shared: Path) -> list[tuple[str, str]]:
    rows = json.loads((shared / "data/domain/pubmedqa/ori_pqal.json").read_text(encoding="utf-8"))
    return [("\n".join([*row["CONTEXTS"], row["QUESTION"]]), row["final_decision"]) for row in rows.values()]


def _record(name: str, number: int, prompt: str, answer: str) -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    source = Source(name, number + 1, number)
    return Record(record_id(messages), row_id(name, number), messages, source, family=str(number))


def padded(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> int:
    """Positions computed when each batch is padded to its longest record."""
    return sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)


def cut(order: Sequence[int], size: int) -> list[Sequence[int]]:
    return [order[start : start + size] for start in range(0, len(order), size)]
