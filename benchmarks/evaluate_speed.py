"""Base and adapter by assay's model and by lm-eval's own `hf` backend, in one run, row by row.

    python benchmarks/evaluate_speed.py [--limit 24] [--rounds 3] [--rows choice,choice5,...] [--data FOLDER]
    python benchmarks/evaluate_speed.py --device cuda --dtype bfloat16 --model ORG/NAME --batch-sizes 8,32,64
    python benchmarks/evaluate_speed.py --device cuda --dtype nf4 --model ORG/NAME

Rows: the bundled multiple choice without examples and with 5 fixed ones, short generated answers, and the perplexity
of texts; with --data (a folder with `llm_adapters_benchmarks`, `gsm8k` and `bbh` in it) also ARC-Challenge, BBH and
GSM8K, as they are, and ARC as lm-eval asks it (`arc_text`). lm-eval's own loop asks both; each side is a process that
has loaded the base and an adapter that is switched on and off, so that time and memory are of the scoring alone.
lm-eval has the batch size that was fastest in a trial, and the sides take turns. Printed, as one JSON document:
medians of seconds and of processor seconds (the steadier of the two on a machine that is not idle, with --threads 1
above all, since threads that wait count as busy), their ratios, the most memory of each side during the row (on CUDA
that of the device), what each side computes in tokens, and by how much logged likelihoods, texts and decisions differ.

`tokens` counts of both models what goes through the layers, padding included, and `logits` the positions whose logits
are computed. `least` are those that no method can do without which gives each token after what precedes it once: the
nodes of the tree of all requests of a call. `ratio_of_products` is what the two counts make of matrix products, head
and layers, and `most` what it would be with the least: what counts of tokens allow, before anything is said of how
fast a processor works them off.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from evaluate_speed_tasks import write_tasks
from evaluate_speed_tokens import Least, counted, products

# In the process of one side.


def load(given: argparse.Namespace) -> tuple[Any, Any]:
    """(target, base with the adapter "candidate" over it): random LoRA weights of rank 16 on all linear layers."""
    import torch
    from peft import LoraConfig, get_peft_model

    from assay.chat import load_target
    from assay.models import load_base

    target = load_target(given.model)
    precision = {"load_in_4bit": True, "dtype": "bfloat16"} if given.dtype == "nf4" else {"dtype": given.dtype}
    base: Any = load_base(target.ref, device=given.device, **precision)  # type: ignore[arg-type]
    torch.manual_seed(0)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, config, adapter_name="candidate")
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.002)
    return target, model.eval()


def language_model(side: str, target: Any, model: Any, batch_size: int) -> Any:
    if side == "hf":
        from lm_eval.models.huggingface import HFLM

        return HFLM(
            pretrained=model, tokenizer=target.tokenizer, batch_size=batch_size, max_length=target.context_length
        )
    from assay.evaluate.models.causal_model import CausalModel
    from assay.evaluate.models.lm_eval_model import AssayLM, Limits

    return AssayLM(CausalModel(model), target, Limits(4096, target.context_length or 2048))


def side_main(given: argparse.Namespace) -> None:
    """Answers each line on standard input, a JSON of tasks, limit and batch size, with one of what was measured."""
    import torch

    logging.disable(logging.WARNING)
    answers, sys.stdout = sys.stdout, sys.stderr
    target, model = load(given)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        lm = language_model(given.side, target, model, asked["batch_size"])
        clock = Clock(lm)
        scored = recorded(lm)
        forget_peak(given.device)
        with contextlib.redirect_stderr(io.StringIO()), counted(model) as computed:
            samples = {"base": [], "candidate": []}
            with model.disable_adapter():
                samples["base"] = ask(lm, given.tasks, asked)
            samples["candidate"] = ask(lm, given.tasks, asked)
        peak = memory(given.device)
        least = Least()
        for requests in scored:
            least.add(requests)
        found = {
            "seconds": clock.seconds,
            "processor_seconds": clock.processor_seconds,
            "peak_bytes": peak,
            "computed": vars(computed),
            "least": vars(least),
            "products": products(model),
            "threads": torch.get_num_threads(),
            "samples": samples,
        }
        answers.write(json.dumps(found) + "\n")
        answers.flush()


def recorded(lm: Any) -> list[Sequence[Any]]:
    """Filled with the requests of each call that assay's side scores by likelihood."""
    found: list[Sequence[Any]] = []
    score = getattr(lm, "score", None)
    if score is not None:

        def call(requests: Sequence[Any], *arguments: Any) -> Any:
            found.append(requests)
            return score(requests, *arguments)

        lm.score = call
    return found


class Clock:
    """Time from each call that asks the model until its answers: what either side does itself, tokenising included."""

    def __init__(self, lm: Any) -> None:
        self.seconds = self.processor_seconds = 0.0
        for name in ("loglikelihood", "loglikelihood_rolling", "generate_until"):
            setattr(lm, name, self._timed(getattr(lm, name)))

    def _timed(self, method: Any) -> Any:
        def call(*arguments: Any, **given: Any) -> Any:
            wall, processor = time.monotonic(), time.process_time()
            found = method(*arguments, **given)
            self.seconds += time.monotonic() - wall
            self.processor_seconds += time.process_time() - processor
            return found

        return call


def ask(lm: Any, folder: str, asked: Mapping[str, Any]) -> list[Any]:
    """[task, document, responses, the first metric's value] of every item."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=folder, include_defaults=False)
    found = lm_eval.simple_evaluate(
        lm, tasks=asked["tasks"], task_manager=manager, limit=asked["limit"], bootstrap_iters=0, log_samples=True
    )
    return [
        [task, sample["doc_id"], [response[0] for response in sample["resps"]], sample[sample["metrics"][0]]]
        for task, samples in sorted(found["samples"].items())
        for sample in sorted(samples, key=lambda sample: int(sample["doc_id"]))
    ]


def forget_peak(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats()
    else:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def memory(device: str) -> int:
    """Most bytes since `forget_peak`; of this process on a CPU, where Linux tells it."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated())
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


# In the process that compares.


class Side:
    """One of the two, loaded in a process of its own."""

    def __init__(self, name: str, arguments: Sequence[str]) -> None:
        command = [sys.executable, __file__, "--side", name, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, tasks: Sequence[str], limit: int, batch_size: int) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"tasks": tasks, "limit": limit, "batch_size": batch_size}) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def sides(arguments: Sequence[str]) -> Iterator[tuple[Side, Side]]:
    ours, theirs = Side("assay", arguments), Side("hf", arguments)
    try:
        yield ours, theirs
    finally:
        ours.close()
        theirs.close()


def differences(ours: Mapping[str, list[Any]], theirs: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Of likelihoods the largest difference; of texts and decisions how many differ."""
    likelihoods, texts, decisions, items = 0.0, 0, 0, 0
    for arm, found in ours.items():
        for (task, doc, own, score), (task2, doc2, other, score2) in zip(found, theirs[arm], strict=True):
            assert (task, doc) == (task2, doc2)
            items += 1
            if isinstance(own[0], str):
                texts += own != other
                decisions += score != score2
            elif isinstance(own[0], list):
                likelihoods = max(likelihoods, *(abs(a[0] - b[0]) for a, b in zip(own, other, strict=True)))
                decisions += score != score2
            else:
                likelihoods = max(likelihoods, *(abs(a - b) / abs(b) for a, b in zip(own, other, strict=True)))
    kind = "relative" if isinstance(own[0], float) else "absolute"
    return {"items": items, f"likelihood_{kind}": likelihoods, "texts": texts, "decisions": decisions}


def computed(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of both sides and of what is needed at least, which answers that are generated have none of."""
    layers, head = ours["products"]

    def multiplications(counts: Mapping[str, int]) -> int:
        return counts["tokens"] * layers + counts["logits"] * head

    other = multiplications(theirs["computed"])
    found = {
        "hf": theirs["computed"],
        "assay": ours["computed"],
        "ratio_of_products": round(other / multiplications(ours["computed"]), 2),
    }
    if ours["least"]["tokens"]:
        found |= {"least": ours["least"], "most": round(other / multiplications(ours["least"]), 2)}
    return found


def row(tasks: Sequence[str], given: argparse.Namespace, ours: Side, theirs: Side) -> dict[str, Any]:
    sizes = [int(size) for size in given.batch_sizes.split(",")]
    trial = {size: theirs(tasks, max(2, given.limit // 2), size)["processor_seconds"] for size in sizes[1:] and sizes}
    best = min(trial, key=lambda size: trial[size]) if trial else sizes[0]
    rounds = [(theirs(tasks, given.limit, best), ours(tasks, given.limit, best)) for _ in range(given.rounds)]
    first, second = rounds[-1]

    def median(key: str, which: int) -> float:
        return statistics.median(pair[which][key] for pair in rounds)

    peaks = [round(max(pair[which]["peak_bytes"] for pair in rounds) / 2**20) for which in (0, 1)]
    return {
        "hf_batch_size": best,
        "threads": second["threads"],
        **{
            f"{key}": {
                "hf": round(median(key, 0), 2),
                "assay": round(median(key, 1), 2),
                "ratio": round(median(key, 0) / median(key, 1), 2),
            }
            for key in ("seconds", "processor_seconds")
        },
        "peak_mib": {"hf": peaks[0], "assay": peaks[1]},
        "computed": computed(second, first),
        "differ": differences(second["samples"], first["samples"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=24, help="items of each task")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", default=None)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16", "nf4"])
    parser.add_argument("--batch-sizes", default="1,8,32")
    parser.add_argument("--threads", type=int, default=None, help="of a processor, on both sides")
    parser.add_argument("--side", choices=["assay", "hf"], help=argparse.SUPPRESS)
    parser.add_argument("--tasks", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side is not None:
        side_main(given)
        return
    if given.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        rows = write_tasks(Path(folder), given.data)
        wanted = given.rows.split(",") if given.rows else list(rows)
        shared = ["--model", given.model, "--device", given.device, "--dtype", given.dtype, "--tasks", folder]
        result: dict[str, Any] = {
            "model": given.model,
            "device": given.device,
            "dtype": given.dtype,
            "items_of_each_task": given.limit,
            "rounds": given.rounds,
        }
        with sides(shared) as (ours, theirs):
            result["rows"] = {}
            for name in wanted:
                result["rows"][name] = row(rows[name], given, ours, theirs)
                print(json.dumps({name: result["rows"][name]}), file=sys.stderr, flush=True)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
