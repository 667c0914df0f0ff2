"""New tokens: one id each, rows that train in the embedding and the head, saved, and found again where it is scored."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from assay.chat import ChatTarget, extended, load_target
from assay.dataset import Dataset
from assay.errors import SettingsError, TrainingError
from assay.evaluate.identity import Models
from assay.models import ModelRef, load_adapter, load_base, prove_adapter, resolve
from assay.records import Message, record_id
from assay.train.head import answers_only_head
from assay.train.methods.new_tokens import make_rows, untrained
from assay.train.rows import encode_rows
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.train.trained import Trained

Make = Callable[..., Dataset]
NEW = ("<colour>", "</colour>")


@pytest.fixture(scope="module")
def untied_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a head of its own, and no room in its vocabulary."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("untied") / "tiny-untied"
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    config = LlamaConfig.from_pretrained(model_folder, tie_word_embeddings=False, vocab_size=len(tokenizer))
    torch.manual_seed(1)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def marked(data: Dataset) -> Dataset:
    """Answers between the new tokens, and prompts with one of them."""
    records = []
    for record in data.records():
        question, answer = record.messages
        turns = (
            Message("user", f"{question.content}<colour>"),
            Message("assistant", f"<colour>{answer.content}</colour>"),
        )
        records.append(dataclasses.replace(record, messages=turns, id=record_id(turns)))
    return Dataset.from_records(records)


def run(folder: Path, out: Path, make: Make, **settings: Any) -> Trained:
    chosen: dict[str, Any] = {
        "load_in_4bit": False, "dtype": "float32", "device": "cpu", "learning_rate": 5e-3, "num_train_epochs": 6,
        "effective_batch_size": 8, "new_tokens": NEW, **settings,
    }  # fmt: skip
    return train(marked(make(32, 8)), TrainSettings(**chosen), out, str(folder))


@pytest.fixture(scope="module")
def tied(model_folder: Path, make_colours: Make, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return run(model_folder, tmp_path_factory.mktemp("tied"), make_colours)


@pytest.fixture(scope="module")
def untied(untied_folder: Path, make_colours: Make, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return run(untied_folder, tmp_path_factory.mktemp("untied-run"), make_colours)


def test_a_new_token_is_one_id_and_known_ones_keep_theirs(target: ChatTarget) -> None:
    wide = extended(target, NEW)
    ids = wide.tokenizer("a<colour>red</colour>", add_special_tokens=False)["input_ids"]
    assert len(ids) == 6
    assert [wide.tokenizer.decode([token]) for token in (ids[1], ids[-1])] == list(NEW)
    assert wide.tokenizer.decode(ids, skip_special_tokens=True) == "a<colour>red</colour>"
    assert extended(wide, NEW) is wide
    assert "<colour>" not in target.tokenizer.get_vocab()
    assert wide.tokenizer_sha256 != target.tokenizer_sha256


def test_a_new_row_is_the_mean_of_its_pieces(target: ChatTarget, model_ref: ModelRef) -> None:
    model = load_base(model_ref, dtype="float32", device="cpu")
    wide = extended(target, NEW)
    weight = model.get_input_embeddings().weight
    pieces = target.tokenizer("<colour>", add_special_tokens=False)["input_ids"]
    expected = weight[pieces].mean(0)
    make_rows(model, wide, target.tokenizer)
    index = wide.tokenizer.get_vocab()["<colour>"]
    assert torch.allclose(model.get_input_embeddings().weight[index], expected, atol=1e-6)


@pytest.mark.parametrize("which", ["tied", "untied"])
def test_the_rows_of_new_tokens_alone_train_and_are_saved(which: str, request: pytest.FixtureRequest) -> None:
    trained: Trained = request.getfixturevalue(which)
    saved = load_file(trained.adapter / "adapter_model.safetensors")
    rows = {name: tensor.shape for name, tensor in saved.items() if "lora_" not in name}
    assert len(rows) == (1 if which == "tied" else 2)
    assert set(rows.values()) == {(2, 64)}
    assert trained.validation_loss is not None and trained.validation_loss_before is not None
    assert trained.validation_loss < 0.5 * trained.validation_loss_before
    card = json.loads((trained.adapter / "assay.json").read_text())
    assert card["new_tokens"] == list(NEW)
    assert (trained.adapter / "tokenizer.json").is_file()


@pytest.mark.parametrize("which", ["tied", "untied"])
def test_where_it_is_scored_the_adapter_has_the_validation_loss_that_was_reported(
    which: str, request: pytest.FixtureRequest, make_colours: Make
) -> None:
    """Over the base as it lies on disk, with the target that evaluation makes of it."""
    from assay.train.collator import Collator

    trained: Trained = request.getfixturevalue(which)
    folder = request.getfixturevalue("model_folder" if which == "tied" else "untied_folder")
    target = Models(load_target(str(folder), offline=True), trained.adapter).target
    base = load_base(resolve(str(folder), offline=True), dtype="float32", device="cpu")
    model = load_adapter(base, trained.adapter, "candidate")
    rows = encode_rows(marked(make_colours(32, 8)), TrainSettings(), target).validation
    rows = tuple(sorted(rows, key=lambda row: len(row.input_ids)))
    batch = Collator(target.pad_token_id)([{"input_ids": r.input_ids, "labels": r.labels} for r in rows])
    with torch.inference_mode():
        loss = float(model(**batch).loss)
    assert loss == pytest.approx(trained.validation_loss, abs=1e-3)
    assert prove_adapter(model, "candidate", rows[0].input_ids).max_logit_difference > 0.1


def test_a_base_with_room_for_new_tokens_never_says_one(untied: Trained, untied_folder: Path) -> None:
    base = load_base(resolve(str(untied_folder), offline=True), dtype="float32", device="cpu")
    have = base.get_input_embeddings().weight.shape[0]
    model = load_adapter(base, untied.adapter, "candidate")
    with torch.inference_mode(), model.disable_adapter():
        logits = model(input_ids=torch.arange(3, 60).unsqueeze(0)).logits
    assert logits.shape[-1] == have + 2
    assert int(logits.argmax(-1).max()) < have


def test_the_loss_of_the_trainers_head_is_that_of_the_model(
    make_trainer: Callable[..., Any], make_colours: Make, tmp_path: Path
) -> None:
    """TRL projects by the head's weight itself: with rows of new tokens that has to be the merged one."""
    trainer = make_trainer(marked(make_colours(8)), tmp_path, new_tokens=NEW)
    model = trainer.model.eval()
    rows = [p for name, p in model.named_parameters() if "trainable_tokens" in name]
    with torch.no_grad():
        rows[0].add_(torch.randn_like(rows[0]))
    batch = dict(next(iter(trainer.get_train_dataloader())))
    with answers_only_head():
        fused = trainer.compute_loss(model, dict(batch))
    plain = model(**batch, use_cache=False).loss
    assert float(fused) == pytest.approx(float(plain), abs=1e-5)
    gradients = [torch.autograd.grad(loss, rows[0])[0] for loss in (fused, plain)]
    assert float(gradients[0].abs().sum(1).min()) > 0
    assert torch.allclose(*gradients, atol=1e-6)


def test_new_tokens_over_a_4_bit_base(model_folder: Path, make_colours: Make, tmp_path: Path) -> None:
    trained = run(model_folder, tmp_path, make_colours, load_in_4bit=True, packing=True)
    base = load_base(resolve(str(model_folder), offline=True), load_in_4bit=True, dtype="float32", device="cpu")
    model = load_adapter(base, trained.adapter, "candidate")
    assert prove_adapter(model, "candidate", [1, 2, 3]).finite


def test_a_special_token_that_was_never_learned_is_named(
    make_colours: Make, model_ref: ModelRef, target: ChatTarget
) -> None:
    model = load_base(model_ref, dtype="float32", device="cpu")
    rows = encode_rows(make_colours(4), TrainSettings(), target)
    assert untrained(model, target, rows) == []
    vocabulary = target.tokenizer.get_vocab()
    with torch.no_grad():
        model.get_input_embeddings().weight[vocabulary["<|im_start|>"]] = 0
    assert untrained(model, target, rows) == ["<|im_start|>"]


def test_a_token_of_the_vocabulary_is_trained_without_growing(
    train_tiny: Callable[..., Trained], make_colours: Make, tmp_path: Path, target: ChatTarget
) -> None:
    run = train_tiny(make_colours(16), tmp_path, new_tokens=("<|im_start|>",))
    config = json.loads((run.adapter / "adapter_config.json").read_text())
    assert config["trainable_token_indices"] == {"embed_tokens": [target.tokenizer.get_vocab()["<|im_start|>"]]}


def test_a_token_that_no_record_has_is_refused(
    train_tiny: Callable[..., Trained], make_colours: Make, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="'<nowhere>' stands in no record"):
        train_tiny(make_colours(8), tmp_path, new_tokens=("<nowhere>",))


def test_new_tokens_and_pissa_are_refused_together() -> None:
    with pytest.raises(SettingsError, match="leave one of them out"):
        TrainSettings(load_in_4bit=False, init_lora_weights="pissa", new_tokens=NEW)
