"""`--backend vllm` where vLLM is installed: the scores that assay's own model gives, for a tiny base and adapter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("vllm")


def test_scores_and_answers_are_those_of_assays_own(tmp_path: Path) -> None:
    import torch

    from assay.chat import load_target
    from assay.evaluate.identity import Models
    from assay.evaluate.settings import EvaluateSettings
    from assay.evaluate.stage import evaluate
    from assay.models import DEFAULT_MODEL, resolve
    from assay.suites import read_suites

    target = load_target(DEFAULT_MODEL, offline=True)
    adapter = make_adapter(str(resolve(DEFAULT_MODEL, offline=True).path), tmp_path / "adapter")
    words = ("Rome", "Oslo", "Paris", "Bern")
    rows: list[dict[str, Any]] = [
        {"id": word, "prompt": f"Name a city like {word}.", "reference": word, "choices": [word, "the sea", "blue"]}
        for word in words
    ]
    for name in ("free", "choice"):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "free.yaml").write_text(
        "{version: 1, name: free, data: free.jsonl, scorer: contains, max_new_tokens: 8}"
    )
    (tmp_path / "choice.yaml").write_text("{version: 1, name: choice, data: choice.jsonl, scorer: multiple_choice}")
    suites = read_suites([str(tmp_path / "free.yaml"), str(tmp_path / "choice.yaml")])
    found = {}
    for backend in ("assay", "vllm"):
        settings = EvaluateSettings(
            backend=backend,  # type: ignore[arg-type]
            model_args={"max_num_seqs": 1} if backend == "vllm" and not torch.cuda.is_available() else {},
            dtype="float32",
            max_length=512,
            damaged_items=0,
            slightly_damaged_items=0,
            zero_items=0,
        )
        found[backend] = evaluate(Models(target, adapter), suites, settings)
    own, theirs = (found[backend].items.to_pylist() for backend in ("assay", "vllm"))
    assert len(own) == len(theirs) == 16
    for a, b in zip(own, theirs, strict=True):
        assert (a["suite"], a["item_id"], a["model"]) == (b["suite"], b["item_id"], b["model"])
        assert a["output"] == b["output"]
        assert a["logprob"] is None or abs(a["logprob"] - b["logprob"]) < 1e-3
    assert found["vllm"].evidence["candidate"].max_logit_difference > 0
    answers = {row["model"]: row["output"] for row in theirs if row["suite"] == "free" and row["item_id"] == "Rome"}
    assert answers["base"] != answers["candidate"], "the adapter is switched"


def make_adapter(base: str, folder: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    model.save_pretrained(str(folder))
    return folder
