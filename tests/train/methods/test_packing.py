"""Packed records train as separate ones: the same steps, losses and gradients, and no record reads another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.chat import IGNORED, ChatTarget
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.models import ModelRef, load_base
from assay.train.collator import Collator
from assay.train.methods.packing import check_isolation, pack, packed_row
from assay.train.rows import Row, encode_rows
from assay.train.settings import TrainSettings
from assay.train.trained import Trained

Make = Callable[..., Dataset]


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=60),
    batch=st.integers(1, 9),
    capacity=st.integers(60, 200),
    processes=st.integers(1, 3),
)
def test_every_step_has_its_records_in_rows_that_fit(
    lengths: list[int], batch: int, capacity: int, processes: int
) -> None:
    batch = batch * processes
    order = list(range(len(lengths)))
    packs = pack(lengths, order, batch, capacity, processes)
    assert packs.per_step % processes == 0
    taken = 0
    for start in range(0, len(order), batch):
        step = order[start : start + batch]
        rows = packs.rows[taken : taken + min(packs.per_step, len(step))]
        taken += len(rows)
        assert sorted(index for row in rows for index in row) == step
        assert all(rows)
        assert all(sum(lengths[index] for index in row) <= capacity for row in rows)
    assert taken == len(packs.rows)


def test_no_row_is_opened_that_is_not_needed() -> None:
    assert pack([10] * 16, range(16), 16, 160).per_step == 1
    assert pack([10] * 16, range(16), 16, 80).per_step == 2


def rows_of(data: Dataset, target: ChatTarget, **settings: Any) -> tuple[Row, ...]:
    return encode_rows(data, TrainSettings(**settings), target).training


@pytest.mark.parametrize("prompts_too", [False, True])
def test_no_label_of_a_record_is_asked_of_the_one_before(
    prompts_too: bool, make_colours: Make, target: ChatTarget
) -> None:
    rows = rows_of(make_colours(3), target, assistant_only_loss=not prompts_too)
    packed = packed_row(rows)
    starts = [position for position, number in enumerate(packed["position_ids"]) if number == 0]
    assert len(starts) == 3
    assert [packed["labels"][start] for start in starts] == [IGNORED] * 3
    assert sum(label != IGNORED for label in packed["labels"]) == sum(row.trained_tokens for row in rows) - (
        3 if prompts_too else 0
    )


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("prompts_too", [False, True])
def test_gradients_of_a_packed_row_are_those_of_its_records(
    attention: str, prompts_too: bool, make_colours: Make, model_ref: ModelRef, target: ChatTarget
) -> None:
    rows = rows_of(make_colours(5), target, assistant_only_loss=not prompts_too)
    model = load_base(model_ref, dtype="float32", device="cpu")
    model.set_attn_implementation(attention)
    parameters = list(model.parameters())
    tokens = sum(label != IGNORED for row in rows for label in row.labels[1:])

    def gradient(items: list[dict[str, list[int]]]) -> torch.Tensor:
        """Of the sum of the losses of all tokens."""
        total = torch.zeros(())
        for item in items:
            loss = model(**Collator(target.pad_token_id)([item]), use_cache=False).loss
            total = total + loss * sum(label != IGNORED for label in item["labels"][1:])
        return torch.cat([g.flatten() for g in torch.autograd.grad(total / tokens, parameters)])

    separate = gradient([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    packed = gradient([packed_row(rows)])
    assert float(separate.abs().max()) > 0.01
    assert torch.allclose(packed, separate, atol=1e-5, rtol=0)


def losses(run: Trained) -> list[float]:
    return [entry.loss for entry in run.log if entry.loss is not None]


def test_a_packed_run_has_the_losses_of_one_that_is_not(
    train_tiny: Callable[..., Trained], make_colours: Make, tmp_path: Path
) -> None:
    data = make_colours(40, 8)
    apart = train_tiny(data, tmp_path / "apart", lora_dropout=0.0)
    packed = train_tiny(data, tmp_path / "packed", lora_dropout=0.0, packing=True)
    assert packed.recipe.per_device_train_batch_size == 1
    assert packed.recipe.packed_attention == "mask"
    assert len(losses(packed)) == apart.steps == 15
    assert losses(packed) == pytest.approx(losses(apart), abs=1e-4)
    assert packed.validation_loss == pytest.approx(apart.validation_loss, abs=1e-4)


def test_long_records_are_spread_over_the_rows_of_a_step(
    make_trainer: Callable[..., Any], make_colours: Make, tmp_path: Path
) -> None:
    trainer = make_trainer(make_colours(40), tmp_path, packing=True, effective_batch_size=20)
    items = list(trainer.get_train_dataloader())
    assert trainer.args.gradient_accumulation_steps == 3
    assert len(items) == 3 * 4
    assert all(batch["input_ids"].shape[0] == 1 and batch["input_ids"].shape[1] <= 512 for batch in items)
    assert all("attention_mask" not in batch for batch in items)


def bloom() -> torch.nn.Module:
    """An architecture whose positions are distances to the keys before: it has no position ids to begin again."""
    from transformers import BloomConfig, BloomForCausalLM

    torch.manual_seed(0)
    config = BloomConfig(vocab_size=320, hidden_size=32, n_layer=1, n_head=2, initializer_range=0.3)
    return BloomForCausalLM(config).eval()


def llama(ref: ModelRef) -> torch.nn.Module:
    return load_base(ref, dtype="float32", device="cpu")


def test_an_architecture_that_isolates_passes(make_colours: Make, model_ref: ModelRef, target: ChatTarget) -> None:
    first, second = rows_of(make_colours(2), target)
    model = llama(model_ref)
    check_isolation(lambda **inputs: model(**inputs, use_cache=False).logits, first, second, "float32")


def test_an_architecture_that_does_not_is_refused_before_the_first_step(make_colours: Make, target: ChatTarget) -> None:
    first, second = rows_of(make_colours(2), target)
    model = bloom()
    with pytest.raises(TrainingError, match="records in one row would read each other"):
        check_isolation(lambda **inputs: model(**inputs, use_cache=False).logits, first, second, "float32")


def test_a_record_that_reads_the_one_before_is_found(
    make_colours: Make, model_ref: ModelRef, target: ChatTarget
) -> None:
    """The same model without the position ids that tell where a record begins."""
    first, second = rows_of(make_colours(2), target)
    model = llama(model_ref)
    with pytest.raises(TrainingError, match="what stands before a record changes it"):
        check_isolation(
            lambda input_ids, position_ids: model(input_ids=input_ids, use_cache=False).logits, first, second, "float32"
        )
