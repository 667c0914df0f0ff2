"""Base and adapter by assay's model and by lm-eval's own `hf` backend, in one run, row by row.

    python benchmarks/evaluate_speed.py [--limit 24] [--rounds 3] [--rows choice,choice5,...] [--data FOLDER]
    python benchmarks/evaluate_speed.py --device cuda --dtype bfloat16 --model ORG/NAME --batch-sizes 8,32,64
    python benchmarks/evaluate_speed.py --device cuda --dtype nf4 --model ORG/NAME

Rows: the bundled multiple choice without examples and with 5 fixed ones, short generated answers, and the perplexity
of texts; with --data (a folder with `llm_adapters_benchmarks`, `gsm8k` and `bbh` in it) also ARC-Challenge, BBH and
GSM8K, as they are. lm-eval's own loop asks both; each side is a process that has loaded the base and an adapter that
is switched on and off, so that time and memory are of the scoring alone. lm-eval has the batch size that was fastest in
a trial, and the sides take turns. Printed, as one JSON document: medians of seconds and of processor seconds (the
steadier of the two on a machine that is not idle), their ratios, the most memory of each side during the row (on CUDA
that of the device), and by how much logged likelihoods, texts and decisions differ.
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

import yaml

GENERAL = Path(__file__).resolve().parent.parent / "assay" / "sample_data" / "general" / "small"
CHOICE = ("facts", "grammar", "kinds")
EXAMPLES = 5
ROWS = ("choice", "choice5", "generate", "perplexity")
REAL_ROWS = ("arc", "arc5", "bbh5", "gsm8k", "gsm8k_perplexity")


def write_tasks(folder: Path, data: Path | None) -> dict[str, list[str]]:
    """Task YAML with absolute data files; names of the tasks of each row."""
    rows: dict[str, list[str]] = {name: [] for name in (*ROWS, *(REAL_ROWS if data is not None else ()))}

    def task(row: str, name: str, records: Sequence[Mapping[str, Any]], examples: int = 0, **config: Any) -> None:
        """The first records are the examples, the same for every item."""
        for part, chosen in (("train", records[:EXAMPLES]), ("test", records[EXAMPLES:])):
            (folder / f"{row}_{name}_{part}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in chosen))
        files = {part: str(folder / f"{row}_{name}_{part}.jsonl") for part in ("train", "test")}
        content = {
            "task": f"{row}_{name}",
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": files},
            "test_split": "test",
            "fewshot_split": "train",
            "fewshot_config": {"sampler": "first_n"},
            "num_fewshot": examples,
            **config,
        }
        (folder / f"{row}_{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        rows[row].append(f"{row}_{name}")

    def choice(row: str, name: str, records: Sequence[Mapping[str, Any]], examples: int = 0) -> None:
        """Records with question, choices and answer."""
        task(
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

    def generate(row: str, name: str, records: Sequence[Mapping[str, Any]], most: int, examples: int) -> None:
        """Records with question and target."""
        task(
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

    def perplexity(row: str, name: str, texts: Sequence[str]) -> None:
        task(
            row,
            name,
            [{"text": text} for text in texts],
            output_type="loglikelihood_rolling",
            doc_to_text="",
            doc_to_target="{{text}}",
            metric_list=[{"metric": "word_perplexity"}],
        )

    for name in CHOICE:
        records = read_lines(GENERAL / f"{name}.jsonl")
        choice("choice", name, records)
        choice("choice5", name, records, EXAMPLES)
    facts = read_lines(GENERAL / "facts.jsonl")
    asked = [{"question": f"{fact['question']}...?", "target": fact["choices"][fact["answer"]]} for fact in facts]
    generate("generate", "facts", asked, 24, 0)
    sentences = [f"{fact['question']} {fact['choices'][fact['answer']]}." for fact in facts]
    perplexity("perplexity", "facts", [" ".join(sentences[at : at + 12]) for at in range(0, len(sentences) - 12, 3)])
    if data is not None:
        arc = json.loads((data / "llm_adapters_benchmarks" / "ARC-Challenge" / "test.json").read_text())
        options = [f"answer{number}" for number in range(1, 6)]
        asked_arc = [
            {
                "question": f"{item['instruction']}\nThe correct answer is",
                "choices": options,
                "answer": options.index(item["answer"]),
            }
            for item in arc
        ]
        choice("arc", "challenge", asked_arc)
        choice("arc5", "challenge", asked_arc, EXAMPLES)
        boolean = json.loads((data / "bbh" / "bbh" / "boolean_expressions.json").read_text())["examples"]
        truths = [
            {
                "question": f"Q: {item['input']}\nA:",
                "choices": ["True", "False"],
                "answer": int(item["target"] == "False"),
            }
            for item in boolean
        ]
        choice("bbh5", "boolean", truths, EXAMPLES)
        problems = read_lines(data / "gsm8k" / "test.jsonl")
        answers = [{"question": item["question"], "target": item["answer"].partition("####")[2]} for item in problems]
        generate("gsm8k", "problems", answers, 64, EXAMPLES)
        perplexity("gsm8k_perplexity", "problems", [item["question"] + " " + item["answer"] for item in problems])
    return rows


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


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
    logging.disable(logging.WARNING)
    answers, sys.stdout = sys.stdout, sys.stderr
    target, model = load(given)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        lm = language_model(given.side, target, model, asked["batch_size"])
        clock = Clock(lm)
        forget_peak(given.device)
        with contextlib.redirect_stderr(io.StringIO()):
            samples = {"base": [], "candidate": []}
            with model.disable_adapter():
                samples["base"] = ask(lm, given.tasks, asked)
            samples["candidate"] = ask(lm, given.tasks, asked)
        found = {
            "seconds": clock.seconds,
            "processor_seconds": clock.processor_seconds,
            "peak_bytes": memory(given.device),
            "samples": samples,
        }
        answers.write(json.dumps(found) + "\n")
        answers.flush()


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
        **{
            f"{key}": {
                "hf": round(median(key, 0), 2),
                "assay": round(median(key, 1), 2),
                "ratio": round(median(key, 0) / median(key, 1), 2),
            }
            for key in ("seconds", "processor_seconds")
        },
        "peak_mib": {"hf": peaks[0], "assay": peaks[1]},
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
    parser.add_argument("--side", choices=["assay", "hf"], help=argparse.SUPPRESS)
    parser.add_argument("--tasks", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side is not None:
        side_main(given)
        return
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
