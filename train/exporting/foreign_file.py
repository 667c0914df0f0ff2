"""What is written for another trainer: a YAML file with comments, and data files beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.console import on_one_line
from assay.records import Json, Message, Record, message_to_json
from assay.storage import write_text

from .described_run import DescribedRun

if TYPE_CHECKING:
    import yaml

MAPPED = {
    "load_in_4bit", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant", "dtype", "lora_r", "lora_alpha", "lora_dropout",
    "lora_target_modules", "use_rslora", "use_dora", "learning_rate", "lr_scheduler_type", "warmup_steps",
    "weight_decay", "max_grad_norm", "optim", "num_train_epochs", "per_device_train_batch_size",
    "gradient_accumulation_steps", "gradient_checkpointing", "max_length", "assistant_only_loss", "eval_steps",
    "early_stopping_patience", "pad_token_id", "seed", "report_to",
}  # fmt: skip
"""Of a recipe, what every trainer's file is asked to say."""

CONSEQUENCES = {
    "device", "effective_batch_size", "per_device_eval_batch_size", "packed_length", "packed_attention", "steps",
    "processes", "grounds",
}  # fmt: skip
"""Of a recipe, what follows from the rest, or from the machine."""

PLAIN: Mapping[str, Any] = {
    "init_lora_weights": True, "loraplus_lr_ratio": 1.0, "neftune_noise_alpha": 0.0, "packing": False,
    "completion_only_loss": False, "bnb_4bit_quant_type": "nf4", "backend": "trl",
}  # fmt: skip
"""Of a recipe, what a trainer need not know of while it is as here."""


@dataclass
class ForeignFile:
    """Settings of another tool in the order in which they are written. left_out: what the tool cannot be told."""

    tool: str
    settings: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)

    def text(self, run: DescribedRun) -> str:
        import yaml

        head = [f"The run of {run.target.name} as {self.tool} is told of it; written by assay.", *run.notes]
        head += [f"not the same: {what}" for what in self.left_out]
        comments = "".join(f"# {on_one_line(line)}\n" for line in head)
        return comments + yaml.dump(
            self.settings, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
        )

    def write(self, out: Path, run: DescribedRun) -> list[Path]:
        """The settings and every data file, those first. Raises StorageError."""
        for name, text in self.data.items():
            write_text(out.parent / name, text)
        write_text(out, self.text(run))
        return [*(out.parent / name for name in self.data), out]


@cache
def _dumper() -> type[yaml.SafeDumper]:
    """PyYAML's safe one, with text of several lines as it stands."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def text(self, value: str) -> yaml.ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, Dumper.text)
    return Dumper


def unsaid(run: DescribedRun, known: Iterable[str]) -> list[str]:
    """What a recipe holds beyond `known` that is not as usual: named, so that nothing is lost in silence."""
    found = []
    for name, value in run.recipe.items():
        if name in MAPPED - {"bnb_4bit_quant_type"} or name in CONSEQUENCES or name in known:
            continue
        is_plain = value == PLAIN[name] if name in PLAIN else not value  # what is empty or 0 is not in use
        if not is_plain:
            found.append(f"{name}: {value} has no place in this file")
    return found


def jsonl(rows: Iterable[Mapping[str, Json]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def conversation(record: Record, *, only_last: bool) -> dict[str, Json]:
    """{"messages", "tools"}; the flag `train` says which answers are in the loss, where not all are.

    only_last  all answers but the last are out of it
    """
    messages = [_said(message) for message in record.messages]
    answers = [item for item in messages if item["role"] == "assistant"]
    if only_last:
        for item in answers[:-1]:
            item["train"] = False
    if any("train" in item for item in answers):
        for item in messages:
            item["train"] = item["role"] == "assistant" and item.get("train") is not False
    found: dict[str, Json] = {"messages": messages}
    return {**found, "tools": list(record.tools)} if record.tools else found


def _said(message: Message) -> dict[str, Json]:
    """An answer that only calls tools has no content; Axolotl and LLaMA-Factory end with a KeyError without the key."""
    found = {key: value for key, value in message_to_json(message).items() if value is not None}
    return {"role": message.role, "content": "", **found}


def has_flags(records: Sequence[Record]) -> bool:
    """Whether an answer is kept out of the loss by itself."""
    return any(message.train is False for record in records for message in record.messages)


def warmup(run: DescribedRun) -> tuple[float | None, int | None]:
    """(share of all steps, None) or (None, steps)."""
    value = float(run.recipe["warmup_steps"])
    return (value, None) if value < 1 else (None, math.ceil(value))
