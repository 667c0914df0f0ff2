"""The counts beside the times: of what a model computes, and of the least that it could."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assay.evaluate.models.packing import Request
from benchmarks.evaluate_speed_tasks import EXAMPLES, read_lines, write_tasks
from benchmarks.evaluate_speed_tokens import Least, counted, products


def test_the_least_are_the_distinct_beginnings_and_those_of_them_that_are_read() -> None:
    rng = np.random.default_rng(0)
    requests = [
        Request(tuple(rng.integers(0, 3, rng.integers(1, 6)).tolist()), tuple(rng.integers(0, 3, 3).tolist()))
        for _ in range(200)
    ]
    least = Least()
    least.add(requests)
    computed, read = set(), set()
    for context, continuation in requests:
        whole = context + continuation[:-1]
        computed |= {whole[:length] for length in range(1, len(whole) + 1)}
        read |= {whole[:length] for length in range(len(context), len(whole) + 1)}
    assert (least.tokens, least.logits) == (len(computed), len(read))


def test_what_goes_through_the_layers_and_the_head_is_counted(tiny_model: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.inference_mode():
        with counted(model) as found:
            model(torch.zeros(2, 5, dtype=torch.long))
            model(torch.zeros(1, 4, dtype=torch.long), logits_to_keep=1)
        model(torch.zeros(1, 1, dtype=torch.long))
    assert vars(found) == {"passes": 2, "tokens": 14, "logits": 11}
    layers, head = products(model)
    config = model.config
    assert head == config.vocab_size * config.hidden_size
    assert layers % config.num_hidden_layers == 0 and layers > config.num_hidden_layers * 3 * config.hidden_size


def test_the_examples_are_no_items(tmp_path: Path) -> None:
    assert list(write_tasks(tmp_path, None)) == ["choice", "choice5", "generate", "perplexity"]
    examples, items = (read_lines(tmp_path / f"choice5_facts_{part}.jsonl") for part in ("train", "test"))
    assert len(examples) == EXAMPLES and not {item["id"] for item in examples} & {item["id"] for item in items}
