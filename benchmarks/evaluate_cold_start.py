"""Claim: `assay evaluate` on the bundled suites starts scoring within 6 seconds of a cold start.

    python benchmarks/evaluate_cold_start.py [--rounds 5] [--model smollm2-135m-instruct] [--adapter FOLDER]

Each run is a fresh process. `assay evaluate --model M --adapter A --include-path bundled:small` and lm-eval's own
command (`lm_eval run --model hf`, the same base with the same adapter, the multiple-choice tasks of the same folder)
take turns. Both are stopped at the first answer. Printed, as one JSON document: medians of seconds and of processor
seconds (the steadier of the two on a machine that is not idle) from the start of the process until the first item is
put to the model, and until the first item is answered, and their ratios; and which heavy packages were loaded by then.
lm-eval answers one item at a time by default, assay a batch: the first figure is the one to compare.

Without --adapter one is made: LoRA of rank 8 with random weights.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "assay" / "sample_data" / "general" / "small"
HEAVY = (
    "accelerate", "bitsandbytes", "datasets", "lm_eval.tasks", "pandas", "peft", "sacrebleu", "scipy", "sklearn",
    "torch._dynamo", "torch._inductor.compile_fx", "torch.distributed.tensor", "aiohttp", "openai",
)  # fmt: skip

COMMON = """
import json, os, sys, time
found, began, heavy = {}, float(sys.argv[1]), json.loads(sys.argv[2])
def mark(name):
    used = os.times()
    found.setdefault(name, {"seconds": time.time() - began, "processor": used.user + used.system})
def end():
    found["loaded"] = [name for name in heavy if name in sys.modules]
    print("\\n" + json.dumps(found), flush=True)
    os._exit(0)
"""

OURS = (
    COMMON
    + """
import importlib
from importlib.machinery import PathFinder
def when_loaded(name, change):
    class Finder:
        @staticmethod
        def find_spec(wanted, path=None, target=None):
            if wanted != name:
                return None
            spec = PathFinder.find_spec(wanted, path)
            run = spec.loader.exec_module
            def exec_module(module):
                run(module)
                change(module)
            spec.loader.exec_module = exec_module
            return spec
    sys.meta_path.insert(0, Finder)
def engine(module):
    for name in ("likelihoods", "generate"):
        def asked(self, *given, real=getattr(module.InProcess, name)):
            mark("asked")
            return real(self, *given)
        setattr(module.InProcess, name, asked)
def progress(module):
    def done(self, more):
        mark("answered")
        end()
    module.Part.done = done
when_loaded("assay.evaluate.models.engine", engine)
when_loaded("assay.evaluate.asking.progress", progress)
from assay.cli import main
main(sys.argv[3:])
"""
)

THEIRS = (
    COMMON
    + """
from lm_eval.models.huggingface import HFLM
real = HFLM._model_call
def asked(self, *given, **named):
    mark("asked")
    out = real(self, *given, **named)
    mark("answered")
    end()
HFLM._model_call = asked
from lm_eval.__main__ import cli_evaluate
sys.argv = ["lm_eval", *sys.argv[3:]]
cli_evaluate()
"""
)


def run(driver: str, arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", driver, repr(time.time()), json.dumps(HEAVY), *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise SystemExit(
            f"{arguments[0]} did not come to an answer:\n{done.stdout[-1000:]}{done.stderr[-3000:]}"
        ) from None
    return found


def random_adapter(base: str, folder: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(str(folder))
    return folder


def medians(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        moment: {
            unit: round(statistics.median(run[moment][unit] for run in runs), 2) for unit in ("seconds", "processor")
        }
        for moment in ("asked", "answered")
    } | {"loaded": runs[-1]["loaded"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--adapter", type=Path)
    given = parser.parse_args()
    from assay.models import resolve

    base = str(resolve(given.model).path)
    sides: dict[str, list[dict[str, Any]]] = {"assay": [], "lm_eval": []}
    with tempfile.TemporaryDirectory() as made:
        adapter = (given.adapter or random_adapter(base, Path(made) / "adapter")).resolve()
        ours = ["evaluate", "--model", given.model, "--adapter", str(adapter), "--include-path", "bundled:small"]
        tasks = ",".join(f"assay_{path.stem}" for path in sorted(FOLDER.glob("*.yaml")) if "task:" in path.read_text())
        theirs = ["run", "--model", "hf", "--model_args", f"pretrained={base},peft={adapter}", "--device", "cpu"]
        theirs += ["--tasks", tasks, "--include_path", str(FOLDER)]
        for number in range(given.rounds):
            store = Path(made) / f"store{number}"
            sides["assay"].append(run(OURS, [*ours, "--offline", "--store", str(store)], Path(made)))
            sides["lm_eval"].append(run(THEIRS, theirs, FOLDER))
    found = {name: medians(runs) for name, runs in sides.items()}
    ratios = {
        unit: round(found["lm_eval"]["asked"][unit] / found["assay"]["asked"][unit], 2)
        for unit in ("seconds", "processor")
    }
    print(json.dumps({"rounds": given.rounds, **found, "lm_eval over assay, until asked": ratios}, indent=2))


if __name__ == "__main__":
    main()
