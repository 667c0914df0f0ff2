"""The embedded model merged with an adapter of random weights: the real tokenizer, template and tied embeddings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.errors import ModelError
from assay.models import load_base, resolve
from assay.models.embedded import DEFAULT_MODEL
from assay.train.merging.merge import merge
from assay.train.merging.settings import MergeSettings
from assay.train.parity.checks import LOGPROBS, PROMPTS, Outcome
from assay.train.parity.provenance import read_trained


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model

    try:
        ref = resolve(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")
    torch.manual_seed(0)
    model = get_peft_model(load_base(ref, device="cpu"), LoraConfig(r=8, target_modules="all-linear"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.005)
    model.peft_config["default"].base_model_name_or_path = DEFAULT_MODEL
    folder = tmp_path_factory.mktemp("merge") / "adapter"
    model.save_pretrained(folder, save_embedding_layers=False)
    return folder


def test_the_embedded_model_merges_in_float32_to_a_thousandth_of_a_nat(adapter: Path, tmp_path: Path) -> None:
    found = merge(read_trained(adapter, offline=True), MergeSettings(dtype="float32"), tmp_path / "merged")
    assert found.parity.outcome is Outcome.PASS
    numbers = found.parity.check(LOGPROBS).numbers
    assert numbers["most"] < 1e-3 < found.effect.mean and numbers["flips"] == 0
    assert found.parity.check(PROMPTS).numbers["conversations"] >= 15
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert config["tie_word_embeddings"] is True
    settings = json.loads((tmp_path / "merged" / "generation_config.json").read_text())
    assert settings["eos_token_id"] == [2] and settings["pad_token_id"] == 0
