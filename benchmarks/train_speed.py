"""Training by assay and by TRL: useful tokens a second and the validation loss at the end, side by side.

    python benchmarks/train_speed.py SHARED [--data alpaca_en_demo] [--records 96] [--validation 32] [--rounds 3]
    python benchmarks/train_speed.py SHARED --counts                      # no training: what each way computes
    python benchmarks/train_speed.py SHARED --device cuda --model ORG/NAME --arms assay,trl_same,unsloth --unsloth

Arms, all with the same model, token ids, labels, epochs, records a step, rate and schedule:

    trl_copied     TRL as everyone copies it: batches of 4, accumulated 4 times, padded to their longest, at random
    trl_grouped    the same with `group_by_length`
    trl_same       TRL with assay's order of records and its batch sizes: what assay's own work costs
    assay          `assay train`
    assay_packed   with `packing: true`
    assay_qlora    with `load_in_4bit: true`, for its time beside `assay`
    unsloth        its own model and trainer, on a GPU where it is installed
    assay_unsloth  `assay train` with `backend: unsloth`, likewise

Each arm of each round is a process of its own, and arms take turns. Time is that of the training loop without
evaluations, in seconds and in processor seconds (the steadier of the two on a machine that is not idle), as is the
share of assay's checks before the first step (`before`). Useful tokens are those of records; `computed` are all
positions that went through the embedding in training. The validation loss is taken of each arm by the same code, in
nats a trained token. Printed: one JSON document with medians over the rounds and ratios.

"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from train_speed_data import DATA, cut, padded, records_of

ARMS = ("trl_copied", "trl_grouped", "trl_same", "assay")
MORE = ("assay_packed", "assay_qlora", "assay_unsloth", "unsloth")
COMPARED = (
    ("assay_over_copied", "assay", "trl_copied"),
    ("assay_over_grouped", "assay", "trl_grouped"),
    ("assay_over_trl_same", "assay", "trl_same"),
    ("lora_over_qlora", "assay", "assay_qlora"),
    ("packed_over_assay", "assay_packed", "assay"),
    ("assay_over_unsloth", "assay", "unsloth"),
    ("its_backend_over_unsloth", "assay_unsloth", "unsloth"),
)
COPIED = 4
"""Records of a batch of the usual recipe, and batches of its step."""


class Clock:
    """Seconds and processor seconds between marks, of this process and all its threads."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    @contextlib.contextmanager
    def running(self, sign: int = 1) -> Iterator[None]:
        wall, cpu = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.wall += sign * (time.monotonic() - wall)
            self.cpu += sign * (time.process_time() - cpu)


def settings_of(given: argparse.Namespace, arm: str) -> Any:
    from assay.train.settings import TrainSettings

    return TrainSettings(
        load_in_4bit=arm == "assay_qlora" or (given.load_in_4bit and arm != "assay_lora"),
        packing=arm == "assay_packed",
        backend="unsloth" if arm == "assay_unsloth" else "trl",
        device=given.device,
        dtype=given.dtype,
        lora_dropout=given.dropout,
        learning_rate=given.learning_rate,
        num_train_epochs=given.epochs,
        gradient_checkpointing=given.gradient_checkpointing,
        eval_steps=10**6,
        early_stopping_patience=0,
        seed=given.seed,
    )


def run_arm(given: argparse.Namespace, arm: str) -> dict[str, Any]:
    """In the process of one arm."""
    import torch

    if arm == "unsloth":  # it patches what is imported after it
        from assay.train.methods.unsloth import import_unsloth

        import_unsloth()
    from transformers import Trainer

    from assay.chat import load_target
    from assay.dataset import Dataset
    from assay.train.prepared import prepare

    torch.set_num_threads(given.threads)
    target = load_target(given.model)
    data = Dataset.from_records(records_of(given.shared, given.data, given.records, given.validation))
    settings = settings_of(given, arm)
    prepared = prepare(data, settings, target)
    loop, seen = Clock(), {"computed": 0}
    train_loop, evaluate = Trainer.train, Trainer.evaluate

    def timed_train(self: Any, *arguments: Any, **named: Any) -> Any:
        embedding = self.model.get_input_embeddings()

        def count(module: Any, inputs: tuple[Any, ...]) -> None:
            seen["computed"] += inputs[0].numel() if self.model.training else 0

        hook = embedding.register_forward_pre_hook(count)
        with loop.running():
            found = train_loop(self, *arguments, **named)
        hook.remove()
        seen["model"] = self.model
        return found

    def timed_evaluate(self: Any, *arguments: Any, **named: Any) -> Any:
        with loop.running(-1):
            return evaluate(self, *arguments, **named)

    Trainer.train, Trainer.evaluate = timed_train, timed_evaluate
    if given.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    whole = Clock()
    with tempfile.TemporaryDirectory() as out, whole.running():
        if arm.startswith("assay"):
            from assay.train.stage import train

            train(data, settings, Path(out), target, say=lambda line: print(line, file=sys.stderr))
        else:
            _trl(given, arm, prepared, target, Path(out))
    useful = sum(len(row.input_ids) for row in prepared.rows.training) * given.epochs
    return {
        "useful": useful,
        "computed": seen["computed"],
        "seconds": loop.wall,
        "cpu_seconds": loop.cpu,
        "whole_cpu_seconds": whole.cpu,
        "validation_loss": _validation_loss(seen["model"], prepared.rows.validation, target.pad_token_id),
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if given.device == "cuda" else None,
    }


def _trl(given: argparse.Namespace, arm: str, prepared: Any, target: Any, out: Path) -> None:
    """TRL by itself, on the ids and labels of assay; what it would do to a padding token is its own."""
    import datasets
    import torch
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from assay.models import load_base
    from assay.train.order import training_order

    recipe, rows = prepared.recipe, prepared.rows.training
    order = list(range(len(rows)))
    same = arm in ("trl_same", "unsloth")
    if same:
        order = training_order([len(row.input_ids) for row in rows], given.epochs, recipe.effective_batch_size, 0)
    arguments = SFTConfig(
        output_dir=str(out),
        num_train_epochs=1 if same else given.epochs,
        per_device_train_batch_size=recipe.per_device_train_batch_size if same else COPIED,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps if same else COPIED,
        train_sampling_strategy="sequential" if same else "group_by_length" if arm == "trl_grouped" else "random",
        learning_rate=recipe.learning_rate, lr_scheduler_type="cosine", warmup_steps=0.05,
        gradient_checkpointing=recipe.gradient_checkpointing, bf16=recipe.dtype == "bfloat16",
        use_cpu=given.device == "cpu", logging_steps=1, report_to="none", save_strategy="no", disable_tqdm=True,
        dataset_kwargs={"skip_prepare_dataset": True}, max_length=None, seed=given.seed,
    )  # fmt: skip
    arguments._n_gpu = min(arguments.n_gpu, 1)  # TRL refuses to train on several GPUs that one process sees
    data = datasets.Dataset.from_list([{"input_ids": rows[i].input_ids, "labels": rows[i].labels} for i in order])
    lora = LoraConfig(
        r=recipe.lora_r, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout,
        target_modules="all-linear", task_type="CAUSAL_LM",
    )  # fmt: skip
    if arm == "unsloth":
        from unsloth import FastLanguageModel

        model, _ = FastLanguageModel.from_pretrained(
            str(target.ref.path), max_seq_length=prepared.rows.longest, load_in_4bit=recipe.load_in_4bit,
            dtype=getattr(torch, recipe.dtype), use_exact_model_name=True,
        )  # fmt: skip
        model = FastLanguageModel.get_peft_model(
            model, r=recipe.lora_r, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            use_gradient_checkpointing="unsloth" if recipe.gradient_checkpointing else False,
        )  # fmt: skip
        lora = None
    else:
        model = load_base(target.ref, load_in_4bit=recipe.load_in_4bit, dtype=recipe.dtype, device=recipe.device)
    SFTTrainer(
        model=model, args=arguments, train_dataset=data, processing_class=target.tokenizer, peft_config=lora
    ).train()


def _validation_loss(model: Any, rows: Sequence[Any], pad: int) -> float:
    """Nats a trained token, over all records."""
    import torch

    from assay.train.collator import Collator

    model.eval()
    total = tokens = 0.0
    with torch.no_grad():
        for batch in cut(sorted(rows, key=lambda row: len(row.input_ids)), 8):
            placed = Collator(pad)([{"input_ids": row.input_ids, "labels": row.labels} for row in batch])
            placed = {name: tensor.to(model.device) for name, tensor in placed.items()}
            count = float((placed["labels"][:, 1:] != -100).sum())
            with torch.autocast(model.device.type, dtype=torch.bfloat16):
                total += float(model(**placed, use_cache=False).loss) * count
            tokens += count
    return total / tokens


def counts(given: argparse.Namespace, name: str) -> dict[str, Any]:
    """Positions of an epoch that each way of making batches computes, and the share of them that are records'."""
    import torch
    from transformers.trainer_pt_utils import LengthGroupedSampler

    from assay.chat import load_target
    from assay.dataset import Dataset
    from assay.train.methods.packing import MASKED_ROW, pack
    from assay.train.order import training_order
    from assay.train.prepared import prepare

    data = Dataset.from_records(records_of(given.shared, name, 10**6, 50))
    prepared = prepare(data, settings_of(given, "assay"), load_target(given.model))
    lengths = [len(row.input_ids) for row in prepared.rows.training]
    recipe, generator = prepared.recipe, torch.Generator().manual_seed(given.seed)
    at_random = torch.randperm(len(lengths), generator=generator).tolist()
    sampler = LengthGroupedSampler(COPIED * COPIED, lengths=lengths, generator=generator)
    order = training_order(lengths, 1, recipe.effective_batch_size, given.seed)
    packs = pack(lengths, order, recipe.effective_batch_size, max(MASKED_ROW, *lengths))
    computed = {
        "trl_copied": padded(lengths, cut(at_random, COPIED)),
        "trl_grouped": padded(lengths, cut(list(sampler), COPIED)),
        "assay": padded(lengths, cut(order, recipe.per_device_train_batch_size)),
        "assay_packed": sum(lengths[index] for row in packs.rows for index in row),
    }
    useful = sum(lengths)
    return {
        "records": len(lengths),
        "useful": useful,
        "computed": computed,
        "useful_share": {arm: round(useful / positions, 4) for arm, positions in computed.items()},
        "fewer_than_copied": {arm: round(computed["trl_copied"] / n, 3) for arm, n in computed.items()},
    }


def compare(given: argparse.Namespace) -> dict[str, Any]:
    """Every arm in every round, each in a process; medians, and ratios to the copied recipe and to TRL's own."""
    found: dict[str, list[dict[str, Any]]] = {arm: [] for arm in given.arms}
    for number in range(given.rounds):
        for arm in given.arms if number % 2 == 0 else given.arms[::-1]:
            command = [sys.executable, __file__, *sys.argv[1:], "--one", arm, "--seed", str(number)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{arm}: {done.stderr[-3000:]}")
            found[arm].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"round {number + 1} {arm}: {found[arm][-1]}", file=sys.stderr, flush=True)
    medians = {
        arm: {key: statistics.median(run[key] for run in runs) for key in runs[0] if runs[0][key] is not None}
        for arm, runs in found.items()
    }
    for row in medians.values():
        row["useful_per_second"] = row["useful"] / row["seconds"]
        row["useful_per_cpu_second"] = row["useful"] / row["cpu_seconds"]
    ratios: dict[str, float] = {}
    for name, over, under in COMPARED:
        if over in medians and under in medians:
            for clock in ("second", "cpu_second"):
                key = f"useful_per_{clock}"
                ratios[f"{name}_by_{clock}"] = round(medians[over][key] / medians[under][key], 3)
    return {"medians": medians, "ratios": ratios, "rounds": given.rounds, "records": given.records}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--data", choices=DATA, default="alpaca_en_demo")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--records", type=int, default=96)
    parser.add_argument("--validation", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--load-in-4bit", action="store_true")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--arms", type=lambda text: text.split(","), default=list(ARMS))
    parser.add_argument("--unsloth", action="store_true")
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--one")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(run_arm(given, given.one)))
        return
    if given.counts:
        print(json.dumps({name: counts(given, name) for name in DATA}, indent=2))
        return
    if given.unsloth:
        given.arms += [arm for arm in ("unsloth", "assay_unsloth") if arm not in given.arms]
    unknown = set(given.arms) - {*ARMS, *MORE}
    if unknown:
        parser.error(f"no arm {min(unknown)}; there are {', '.join((*ARMS, *MORE))}")
    print(json.dumps({"data": given.data, "device": given.device, **compare(given)}, indent=2))


if __name__ == "__main__":
    main()
