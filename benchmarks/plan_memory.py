"""Predicted peak memory of training beside the measured one.

    python benchmarks/plan_memory.py [--only NAME ...] [--device cuda] [--json FILE] [--list]

Each recipe runs `assay.train.stage.train` for its few steps in a fresh process, on random weights of the given shape
(the embedded model is one case). On a CPU the figure is the peak of the resident memory (VmHWM) less what is resident
after every import; on a GPU it is `torch.cuda.max_memory_reserved` and the context that the driver reports. The
prediction is made before the run from config, settings and the lengths of the records alone. The recipes marked
`tuned` are those on which the constants that are measured and not derived (docs/planning.md) were set.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED = "smollm2-135m-instruct"
SHORT_OF_MEMORY = 1e9


@dataclass(frozen=True)
class Case:
    """shape: a name of train/planning/shapes.yaml, or the embedded model. prompt and answer in characters, which are
    tokens where the weights are random; uneven: the second record of each pair is so many characters shorter."""

    name: str
    shape: str
    prompt: int
    answer: int
    records: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    uneven: int = 0
    tuned: bool = False


IMPORTED = {
    "accelerate": ("Accelerator",),
    "assay.train.curve": ("draw_curve",),
    "assay.train.trainer": ("build_trainer",),
    "datasets": ("Dataset",),
    "matplotlib.pyplot": ("figure",),
    "peft": ("LoraConfig",),
    "transformers": ("EarlyStoppingCallback", "LlamaForCausalLM"),
    "trl": ("SFTConfig", "SFTTrainer"),
}
"""What a run imports on its way, looked up so that lazy packages load it too."""


def lora(**more: Any) -> dict[str, Any]:
    return {"load_in_4bit": False, "dtype": "bfloat16", **more}


def qlora(**more: Any) -> dict[str, Any]:
    return {"load_in_4bit": True, "dtype": "bfloat16", **more}


CASES = (
    Case("135M LoRA bf16", "smollm2-135m", 255, 70, 4, lora(per_device_train_batch_size=4), tuned=True),
    Case("1B LoRA float32", "llama-3.2-1b", 30, 20, 1, lora(dtype="float32", per_device_train_batch_size=1)),
    Case("1B QLoRA float32", "llama-3.2-1b", 30, 20, 1, qlora(dtype="float32", per_device_train_batch_size=1)),
    Case("1B LoRA bf16", "llama-3.2-1b", 100, 20, 1, lora(per_device_train_batch_size=1)),
    Case("1B QLoRA bf16, r 64", "llama-3.2-1b", 60, 20, 1, qlora(per_device_train_batch_size=1, lora_r=64)),
    Case("135M LoRA float32, short", "smollm2-135m", 100, 60, 4, lora(dtype="float32", per_device_train_batch_size=4)),
    Case("360M QLoRA, q and v, r 8", "smollm2-360m", 300, 40, 2,
         qlora(per_device_train_batch_size=2, lora_r=8, lora_target_modules=["q_proj", "v_proj"])),
    Case("360M LoRA, checkpointing", "smollm2-360m", 350, 20, 4,
         lora(per_device_train_batch_size=4, gradient_checkpointing=True)),
    Case("Qwen3 0.6B, uneven, no dropout", "qwen3-0.6b", 280, 40, 2,
         lora(per_device_train_batch_size=2, lora_dropout=0.0), uneven=120),
    Case("Gemma 3 270M, logits", "gemma-3-270m", 30, 250, 1, lora(per_device_train_batch_size=1)),
    Case("135M QLoRA, embedded", EMBEDDED, 1400, 300, 2, qlora(per_device_train_batch_size=2)),
    Case("135M LoRA bf16, 4 GB", EMBEDDED, 1500, 600, 4, lora(per_device_train_batch_size=4)),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="names, or parts of names, of recipes")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--json", type=Path, help="append one JSON line a recipe to this file")
    parser.add_argument("--models", type=Path, help="keep the random models in this folder, for another run")
    parser.add_argument("--list", action="store_true", help="print the recipes and stop")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        child(json.loads(arguments.child.read_text()))
        return
    chosen = [case for case in CASES if not arguments.only or any(part in case.name for part in arguments.only)]
    with tempfile.TemporaryDirectory() as models:
        run(chosen, arguments, arguments.models or Path(models))


def run(chosen: list[Case], arguments: argparse.Namespace, models: Path) -> None:
    """The recipes one after the other; a shape's weights are made once."""
    print(f"{'recipe':<34}{'predicted GB':>13}{'measured GB':>13}{'ratio':>7}  peak while    seconds")
    for case in chosen:
        if arguments.list:
            print(case.name)
            continue
        row = measure(case, arguments.device, models)
        mark = " (tuned on)" if case.tuned else ""
        if row["least_available"] < SHORT_OF_MEMORY:
            mark += f" (the machine had {row['least_available'] / 1e9:.1f} GB left: mapped pages were taken back)"
        print(
            f"{case.name:<34}{row['predicted'] / 1e9:>13.2f}{row['measured'] / 1e9:>13.2f}"
            f"{row['predicted'] / row['measured']:>7.2f}  {row['memory']['moment']:<10}{row['seconds']:>10.0f}{mark}",
            flush=True,
        )
        if arguments.json is not None:
            with arguments.json.open("a") as file:
                file.write(json.dumps(row) + "\n")


def measure(case: Case, device: str, models: Path) -> dict[str, Any]:
    """A run in a process of its own, which writes what it found beside its model."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = EMBEDDED if case.shape == EMBEDDED else str(models / case.shape)
        if case.shape != EMBEDDED and not (models / case.shape).exists():
            make_model(models / case.shape, case.shape)
        job = {
            "model": model,
            "out": str(folder / "out"),
            "result": str(folder / "result.json"),
            "prompt": case.prompt,
            "answer": case.answer,
            "records": case.records,
            "uneven": case.uneven,
            "settings": {
                "device": device,
                "validation": 0.0,
                "num_train_epochs": 2,
                "gradient_accumulation_steps": 1,
                **case.settings,
            },
        }
        (folder / "job.json").write_text(json.dumps(job))
        command = [sys.executable, str(Path(__file__).resolve()), "--child", str(folder / "job.json")]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
        started = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
        if not (folder / "result.json").exists():
            raise SystemExit(f"{case.name}: the run failed\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        found: dict[str, Any] = json.loads((folder / "result.json").read_text())
        return {"recipe": case.name, "seconds": time.monotonic() - started, **found}


def make_model(folder: Path, shape: str) -> None:
    """Random weights in bfloat16 and a tokenizer of single bytes, in a process of its own: RSS is the child's alone."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import plan_memory; "
    call = f"plan_memory.write_model({str(folder)!r}, {shape!r})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code + call], env=environment, check=True, capture_output=True)


def write_model(folder: str, shape: str) -> None:
    import torch
    from byte_tokenizer import byte_tokenizer
    from transformers import AutoConfig, AutoModelForCausalLM

    from assay.train.planning.shapes import load_shapes

    values = dict(load_shapes(None).config(shape))
    tokenizer = byte_tokenizer(8192)
    values |= {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    model = model.to(torch.bfloat16).to_empty(device="cpu")
    torch.manual_seed(0)
    with torch.no_grad():
        for buffer in model.buffers():
            buffer.zero_()
        for parameter in model.parameters():
            parameter.fill_(1) if parameter.ndim == 1 else parameter.normal_(0, 0.05)
    model.tie_weights()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def child(job: dict[str, Any]) -> None:
    """Imports all that a run imports, predicts, notes what is resident, trains, and writes what it found."""
    import torch

    from assay.chat import load_target
    from assay.models import import_bitsandbytes, load_config
    from assay.train.planning.peaks import predicted_peak
    from assay.train.prepared import prepare
    from assay.train.settings import TrainSettings
    from assay.train.stage import train

    import_bitsandbytes()
    for module, names in IMPORTED.items():
        for name in names:
            getattr(importlib.import_module(module), name)

    settings, data = TrainSettings(**job["settings"]), records(job)
    target = load_target(job["model"], offline=True)
    prepared = prepare(data, settings, target)
    memory = predicted_peak(load_config(target.ref), target.ref.name, prepared.recipe, prepared.rows.training)
    cuda = prepared.recipe.device.startswith("cuda")
    before = 0 if cuda else status("VmRSS")
    files = MappedFiles()
    train(data, settings, Path(job["out"]), target)
    if cuda:
        free, total = torch.cuda.mem_get_info()
        outside = total - free - torch.cuda.memory_reserved()  # the driver's context, if no one else is on the card
        measured = torch.cuda.max_memory_reserved() + outside
    else:
        measured = status("VmHWM") - before
    result = {
        "predicted": memory.peak,
        "measured": measured,
        "memory": {**memory.__dict__},
        "dtype": prepared.recipe.dtype,
        "mapped": files.most,
        "least_available": files.least_available,
    }
    Path(job["result"]).write_text(json.dumps(result))


class MappedFiles:
    """Most bytes of mapped files that were resident, and least memory that the machine had left, every 50 ms.

    Pages of mapped files are taken back when memory is short: then the peak says less than the run would take.
    """

    def __init__(self) -> None:
        self._before = status("RssFile")
        self.most, self.least_available = 0, available()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.most = max(self.most, status("RssFile") - self._before)
            self.least_available = min(self.least_available, available())
            time.sleep(0.05)


def available() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def records(job: dict[str, Any]) -> Any:
    from assay.dataset import Dataset
    from assay.records import Message, Record, Source, record_id, row_id

    def one(number: int) -> Record:
        prompt = job["prompt"] - (job["uneven"] if number % 2 else 0)
        messages = (
            Message("user", f"{number:06d}".ljust(prompt, "a")),
            Message("assistant", f"{number:06d}".ljust(job["answer"], "b")),
        )
        place = Source("records.jsonl", number + 1, number)
        return Record(record_id(messages), row_id("records.jsonl", number), messages, place, family=f"f{number}")

    return Dataset.from_records([one(number) for number in range(job["records"])])


def status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("needs Linux: /proc/self/status")


if __name__ == "__main__":
    main()
