"""Base and adapter on the bundled general suites: assay's evaluation beside lm-eval's own `hf` backend, in one run.

    python benchmarks/evaluate_speed.py [--limit 60] [--model smollm2-135m-instruct] [--batch-sizes 1,8,32]

Both read the same task files, score the same items with the same weights in the same process, in float32 on a CPU,
and must agree on the score of each suite. The time of lm-eval is that of its fastest batch size, base and adapter one
after the other; loading of weights is left out on both sides, building of requests is not. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from assay.chat import ChatTarget, load_target
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.identity import Models
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.models import load_base
from assay.project import bundled

TASKS = ("assay_everyday", "assay_facts", "assay_grammar", "assay_kinds", "assay_uses_and_places", "assay_word_meaning")
Scores = dict[str, dict[str, float]]


def random_adapter(target: ChatTarget, folder: Path) -> Path:
    """LoRA weights of rank 16 on all linear layers; what they say does not matter here."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(load_base(target.ref), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.002)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


def by_assay(target: ChatTarget, adapter: Path, limit: int) -> tuple[Scores, float]:
    """Seconds from the first line of work after loading to the last answer, which is when the loop has said it."""
    from assay.evaluate import stage

    started: list[float] = []
    load = stage.load_switched

    def loaded(*arguments: Any, **settings: Any) -> Any:
        switched = load(*arguments, **settings)
        started.append(time.monotonic())
        return switched

    stage.load_switched = loaded  # type: ignore[assignment]
    try:
        settings = EvaluateSettings(
            tasks=TASKS, include_path=str(bundled("general/small")), limit=limit, damaged_items=0, dtype="float32"
        )
        found: Evaluation = evaluate(Models(target, adapter), (), settings)
    finally:
        stage.load_switched = load
    seconds = time.monotonic() - started[0]
    return {r.suite: {score.model: score.score for score in r.scores} for r in found.suites}, seconds


def by_lm_eval(target: ChatTarget, adapter: Path, limit: int, batch_size: int) -> tuple[Scores, float]:
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
    from peft import PeftModel

    scores: Scores = {task: {} for task in TASKS}
    seconds = 0.0
    for name in ("base", "candidate"):
        model: Any = load_base(target.ref, dtype="float32")
        if name == "candidate":
            model = PeftModel.from_pretrained(model, str(adapter)).eval()
        backend = HFLM(pretrained=model, tokenizer=target.tokenizer, batch_size=batch_size)
        started = time.monotonic()
        manager = TaskManager(include_path=str(bundled("general/small")), include_defaults=False)
        with contextlib.chdir(bundled("general/small")):
            found = lm_eval.simple_evaluate(
                backend, tasks=list(TASKS), task_manager=manager, limit=limit, bootstrap_iters=0
            )
        seconds += time.monotonic() - started
        for task in TASKS:
            scores[task][name] = found["results"][task]["acc,none"]
    return scores, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--batch-sizes", default="1,8,32")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    target = load_target(given.model)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        adapter = random_adapter(target, Path(folder))
        theirs = {
            size: by_lm_eval(target, adapter, given.limit, size) for size in map(int, given.batch_sizes.split(","))
        }
        ours, seconds = by_assay(target, adapter, given.limit)
    best = min(theirs, key=lambda size: theirs[size][1])
    off = {
        f"{task}, {model}": [theirs[best][0][task][model], score]
        for task, scores in ours.items()
        for model, score in scores.items()
        if abs(theirs[best][0][task][model] - score) > 1e-9
    }
    result = {
        "model": given.model,
        "items_per_suite": given.limit,
        "suites": len(TASKS),
        "assay_seconds": round(seconds, 1),
        "lm_eval_seconds_by_batch_size": {size: round(found[1], 1) for size, found in theirs.items()},
        "ratio_to_the_fastest": round(theirs[best][1] / seconds, 2),
        "scores_that_differ": off,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
