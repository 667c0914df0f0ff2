"""What is trained is the model's own loss: architectures that TRL takes for another are mended or refused in a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.models import load_adapter, load_base, prove_adapter, resolve
from assay.train.before.own_loss import compare
from assay.train.methods.backbone import name_backbone
from assay.train.rows import encode_rows
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.train.trained import Trained

Make = Callable[..., Dataset]
SMALL: dict[str, Any] = {
    "vocab_size": 320, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 512, "initializer_range": 0.2, "pad_token_id": 257, "eos_token_id": 256,
}  # fmt: skip
KINDS: Mapping[str, Mapping[str, Any]] = {
    "llama4_text": {
        "num_key_value_heads": 2, "head_dim": 16, "num_local_experts": 4, "intermediate_size_mlp": 96,
        "interleave_moe_layer_step": 2, "bos_token_id": None,
    },
    "mamba": {"state_size": 16, "time_step_rank": 8, "bos_token_id": None},
    "bert": {"bos_token_id": None},
    "modernbert-decoder": {"bos_token_id": 256, "cls_token_id": 256, "sep_token_id": 256},
}  # fmt: skip


def model_of(kind: str, folder: Path, target: ChatTarget) -> Path:
    """Random weights, with a tokenizer of single bytes."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **{**SMALL, **KINDS[kind]})
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    target.tokenizer.save_pretrained(folder)
    return folder


def one_step(model: Path, data: Dataset, out: Path) -> Trained:
    settings = TrainSettings(
        load_in_4bit=False, dtype="float32", device="cpu", num_train_epochs=1, validation=0, samples=0,
        learning_rate=5e-3,
    )  # fmt: skip
    return train(data, settings, out, str(model))


@pytest.mark.parametrize("kind", ["llama4_text", "mamba"])
def test_it_trains_and_its_adapter_is_read(kind: str, make_colours: Make, target: ChatTarget, tmp_path: Path) -> None:
    """The class of Llama 4 names as its decoder what its text model does not have; TRL then takes it for itself."""
    model = model_of(kind, tmp_path / "model", target)
    run = one_step(model, make_colours(4), tmp_path / "out")
    assert run.steps == 1
    loaded = load_adapter(load_base(resolve(str(model)), dtype="float32", device="cpu"), run.adapter, "candidate")
    assert prove_adapter(loaded, "candidate", [1, 2, 3, 4]).max_logit_difference > 0


REFUSED = {
    "bert": "reads ahead",
    "modernbert-decoder": "the loss that would train is not this model's own",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_before_the_first_step(kind: str, make_colours: Make, target: ChatTarget, tmp_path: Path) -> None:
    model = model_of(kind, tmp_path / "model", target)
    with pytest.raises(TrainingError, match=REFUSED[kind]) as caught:
        one_step(model, make_colours(4), tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "adapter").exists()


def test_a_decoder_that_is_named_is_left_as_it_is(model_folder: Path) -> None:
    model = load_base(resolve(str(model_folder)), device="cpu")
    named = model.base_model
    name_backbone(model)
    assert model.base_model is named is not model


@pytest.mark.parametrize("error", [AttributeError("no attribute 'last_hidden_state'"), RuntimeError("shapes\ndiffer")])
def test_what_an_architecture_stumbles_over_is_one_line(
    error: Exception, make_colours: Make, target: ChatTarget
) -> None:
    import torch

    row = encode_rows(make_colours(1), TrainSettings(validation=0), target).training[0]

    def trained(ids: torch.Tensor) -> torch.Tensor:
        raise error

    def logits(ids: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(ids, 320).float()

    with pytest.raises(TrainingError, match="does not compute the loss of one record of text") as caught:
        compare(trained, logits, row, "float32")
    assert "\n" not in str(caught.value)
