"""A whole training run on a tiny model: what it learns, what it keeps, what it leaves on disk."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.chat import ChatTarget, encode
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.models import ModelRef, load_adapter, load_base, prove_adapter, weights_sha256
from assay.records import Message
from assay.runs import Run
from assay.train.checkpoints import Checkpoints
from assay.train.collator import Collator
from assay.train.head import answers_only_head
from assay.train.prepared import prepare
from assay.train.progress import Watch
from assay.train.rows import encode_rows
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.train.trained import Trained
from assay.train.trainer import build_trainer

Make = Callable[..., Dataset]
Train = Callable[..., Trained]


@pytest.fixture(scope="module")
def trained(train_tiny: Train, make_colours: Make, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_tiny(make_colours(48, 12), tmp_path_factory.mktemp("run") / "out", num_train_epochs=6)


@pytest.fixture(scope="module")
def memorised(train_tiny: Train, make_colours: Make, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Validation records whose answers contradict what training teaches: the more it learns, the worse they get."""
    records = []
    for index, record in enumerate(make_colours(16, 6).records()):
        answer = Message("assistant", "blue" if record.split == "train" else ("zq", "xv", "jk")[index % 3])
        records.append(dataclasses.replace(record.with_messages([record.messages[0], answer])))
    out = tmp_path_factory.mktemp("memorised") / "out"
    return train_tiny(
        Dataset.from_records(records), out, num_train_epochs=30, eval_steps=2, early_stopping_patience=4,

    )  # fmt: skip


def validation_losses(run: Trained) -> dict[int, float]:
    return {entry.step: entry.validation_loss for entry in run.log if entry.validation_loss is not None}


def loss_on(run: Trained, data: Dataset, ref: ModelRef, target: ChatTarget) -> float:
    """Of the validation records, shortest first, with the adapter as it lies on disk: batches weighted by records."""
    import torch

    rows = sorted(encode_rows(data, TrainSettings(), target).validation, key=lambda row: len(row.input_ids))
    items = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    size = run.recipe.per_device_train_batch_size
    model = load_adapter(load_base(ref, dtype="float32", device="cpu"), run.adapter, "default")
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(items), size):
            batch = items[start : start + size]
            total += len(batch) * float(model(**Collator(target.pad_token_id)(batch)).loss)
    return total / len(items)


def test_training_lowers_both_losses_and_its_log_has_every_step(trained: Trained) -> None:
    losses = [entry.loss for entry in trained.log if entry.loss is not None]
    assert len(losses) == trained.steps == trained.recipe.steps == 36
    assert losses[-1] < 0.5 * losses[0]
    assert trained.validation_loss is not None and trained.validation_loss_before is not None
    assert trained.validation_loss < 0.5 * trained.validation_loss_before
    lines = (trained.adapter.parent / "log.jsonl").read_text().splitlines()
    assert len(lines) == len(trained.log)


def test_the_adapter_on_disk_has_the_validation_loss_that_was_reported(
    trained: Trained, make_colours: Make, model_ref: ModelRef, target: ChatTarget
) -> None:
    assert loss_on(trained, make_colours(48, 12), model_ref, target) == pytest.approx(trained.validation_loss, abs=1e-3)


def test_the_adapter_can_be_loaded_and_changes_the_model(
    trained: Trained, model_ref: ModelRef, target: ChatTarget
) -> None:
    model = load_adapter(load_base(model_ref, dtype="float32", device="cpu"), trained.adapter, "candidate")
    assert prove_adapter(model, "candidate", [1, 2, 3]).max_logit_difference > 0.1


def test_the_adapters_card_says_where_it_comes_from(trained: Trained, model_ref: ModelRef, make_colours: Make) -> None:
    card = json.loads((trained.adapter / "assay.json").read_text())
    assert card["base"] == model_ref.name and card["weights_sha256"] == weights_sha256(model_ref)
    assert card["data_digests"][0]["digest"] == make_colours(48, 12).digest
    assert (trained.adapter / card["training_records"]).is_file()
    assert not [path for path in trained.adapter.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


def test_trained_row_ids_are_the_ledgers(trained: Trained, make_colours: Make) -> None:
    folder = trained.adapter.parent
    records = pq.read_table(trained.adapter / "trained_records.parquet").to_pydict()
    ledger = pq.read_table(folder / "ledger.parquet").to_pylist()
    assert sorted(records["row_id"]) == sorted(row["row_id"] for row in ledger if row["fate"] in ("kept", "repaired"))
    assert sorted(records["row_id"]) == sorted(make_colours(48, 12).row_ids())
    assert records["split"].count("validation") == 12


def trainer_for(data: Dataset, ref: ModelRef, target: ChatTarget, out: Path) -> Any:
    """The trainer of a full-precision run, as `train` builds it."""
    settings = TrainSettings(load_in_4bit=False, dtype="float32", device="cpu", num_train_epochs=2)
    prepared = prepare(data, settings, target)
    checkpoints = Checkpoints(Run("train", "digest", out, {}, {}, (), False))
    watch = Watch(out / "log.jsonl", 1, 1, 1, 1, print)
    model = load_base(ref, dtype="float32", device="cpu")
    return build_trainer(model, prepared.recipe, prepared.rows, target, checkpoints, watch, resumes=False)


def test_what_reaches_the_model_is_what_assay_chat_encodes(
    make_colours: Make, model_ref: ModelRef, target: ChatTarget, tmp_path: Path
) -> None:
    """Ids and labels of every batch of the loader that training reads, padding taken off."""
    data = make_colours(20)
    seen = []
    for batch in trainer_for(data, model_ref, target, tmp_path).get_train_dataloader():
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
            length = int(mask.sum())
            assert labels[length:].tolist() == [-100] * (len(labels) - length)
            seen.append((tuple(ids[:length].tolist()), tuple(labels[:length].tolist())))
    expected = [(tuple(one.input_ids), tuple(one.labels)) for one in (encode(r, target) for r in data.records())]
    assert sorted(seen) == sorted(expected * 2)


def test_a_head_for_answers_alone_has_the_loss_and_gradient_of_the_whole(
    make_colours: Make, model_ref: ModelRef, target: ChatTarget, tmp_path: Path
) -> None:
    import torch

    trainer = trainer_for(make_colours(8), model_ref, target, tmp_path)
    model = trainer.model.eval()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    batch = dict(next(iter(trainer.get_train_dataloader())))

    def loss_and_gradient() -> tuple[float, torch.Tensor]:
        loss = trainer.compute_loss(model, dict(batch))
        gradients = torch.autograd.grad(loss, parameters)
        return float(loss), torch.cat([gradient.flatten() for gradient in gradients])

    whole, gradient = loss_and_gradient()
    with answers_only_head():
        alone, gradient_alone = loss_and_gradient()
    plain = model(**batch).loss
    assert whole == pytest.approx(alone, abs=1e-6)
    assert whole == pytest.approx(float(plain), abs=1e-5)
    assert torch.allclose(gradient, gradient_alone, atol=1e-6)


def test_a_rise_of_validation_loss_is_said_in_words_and_stops_the_run(memorised: Trained) -> None:
    assert memorised.stopped_early
    assert memorised.steps < memorised.recipe.steps
    assert any("the model is memorising" in warning for warning in memorised.warnings)


def test_the_checkpoint_with_the_lowest_validation_loss_is_kept(memorised: Trained) -> None:
    losses = validation_losses(memorised)
    trained = {step: loss for step, loss in losses.items() if step > 0}
    assert memorised.best_step == min(trained, key=lambda step: trained[step])
    assert memorised.validation_loss == pytest.approx(losses[memorised.best_step], abs=1e-6)
    assert memorised.validation_loss < list(losses.values())[-1]


def test_without_early_stopping_the_run_goes_to_its_end(train_tiny: Train, make_colours: Make, tmp_path: Path) -> None:
    data = make_colours(16, 4)
    run = train_tiny(data, tmp_path / "out", num_train_epochs=4, eval_steps=1, early_stopping_patience=0)
    assert run.steps == run.recipe.steps == 8
    assert not run.stopped_early


def test_without_validation_the_last_step_is_kept(train_tiny: Train, make_colours: Make, tmp_path: Path) -> None:
    run = train_tiny(make_colours(16), tmp_path / "out")
    assert (run.best_step, run.validation_loss, run.stopped_early) == (6, None, False)


def test_data_without_a_split_gets_one_by_whole_families(make_colours: Make, target: ChatTarget) -> None:
    bare = [dataclasses.replace(record, split="", family="") for record in make_colours(40).records()]
    twice = [*bare, *(dataclasses.replace(record, row_id=f"{record.row_id}x") for record in bare)]
    prepared = prepare(Dataset.from_records(twice), TrainSettings(), target)
    assert len(prepared.rows.validation) == 8
    assert not {r.record_id for r in prepared.rows.validation} & {r.record_id for r in prepared.rows.training}
    assert prepared.notes[0] == "the data has no split: 8 of 80 records, in whole families, validate"
    assert not prepare(Dataset.from_records(bare), TrainSettings(validation=0), target).rows.validation


def test_a_data_frame_and_the_name_of_a_model_are_enough(
    make_colours: Make, model_folder: Path, tmp_path: Path
) -> None:
    settings = TrainSettings(load_in_4bit=False, device="cpu", num_train_epochs=1)
    run = train(make_colours(8, 2).to_pandas(), settings, tmp_path, str(model_folder))
    assert run.counts["kept"] == 10
    assert (run.adapter / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize("four_bit", [False, True], ids=["float32", "nf4"])
def test_a_model_that_is_evaluated_trains_exactly_as_one_that_is_not(
    four_bit: bool, train_tiny: Train, make_colours: Make, tmp_path: Path
) -> None:
    """Dropout included: an evaluation takes no random number from training."""
    dtype = "bfloat16" if four_bit else "float32"
    with_evaluation = train_tiny(
        make_colours(32, 8), tmp_path / "a", load_in_4bit=four_bit, dtype=dtype, eval_steps=1, early_stopping_patience=0
    )
    without = train_tiny(make_colours(32), tmp_path / "b", load_in_4bit=four_bit, dtype=dtype)
    losses = [[entry.loss for entry in run.log if entry.loss is not None] for run in (with_evaluation, without)]
    assert len(losses[0]) == 12
    assert losses[0] == losses[1]


def test_a_library_that_repacks_weights_when_it_evaluates_is_caught_before_the_first_step(
    train_tiny: Train, make_colours: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bitsandbytes.functional import has_avx512bf16

    if not has_avx512bf16():
        pytest.skip("bitsandbytes repacks on processors with AVX512-BF16 alone")
    monkeypatch.setattr("assay.models.loading.keep_4bit_layout", lambda model: None)
    with pytest.raises(TrainingError, match="the gradient is wrong"):
        train_tiny(make_colours(16), tmp_path / "out", load_in_4bit=True, dtype="bfloat16")


def test_nobody_is_told_that_training_happens(
    train_tiny: Train, make_colours: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(self: socket.socket, address: object) -> None:
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: asked.append(address) or [])
    run = train_tiny(make_colours(8, 4), tmp_path / "out", num_train_epochs=1)
    assert run.recipe.report_to == "none"
    assert asked == []


def test_a_learning_rate_that_breaks_training_is_one_line(
    train_tiny: Train, make_colours: Make, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step .*lower learning_rate"):
        train_tiny(make_colours(16), tmp_path / "out", learning_rate=1e30, num_train_epochs=20, max_grad_norm=1e30)
