"""Batches: padding is neither attended to nor trained on, and costs no head; dropout drops what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.models import ModelRef, load_base
from assay.train.collator import Collator
from assay.train.dropout import dropped_positions, speed_up_dropout
from assay.train.rows import encode_rows
from assay.train.settings import TrainSettings

Make = Callable[..., Dataset]


def test_short_rows_are_filled_on_the_right(target: ChatTarget) -> None:
    batch = Collator(target.pad_token_id)(
        [{"input_ids": [5, 6, 7], "labels": [-100, 6, 7]}, {"input_ids": [8], "labels": [8]}]
    )
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, target.pad_token_id, target.pad_token_id]]
    assert batch["labels"].tolist() == [[-100, 6, 7], [8, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_a_row_has_the_same_loss_alone_and_beside_a_longer_one(
    make_colours: Make, model_ref: ModelRef, target: ChatTarget
) -> None:
    model = load_base(model_ref, dtype="float32", device="cpu")
    rows = encode_rows(make_colours(4), TrainSettings(), target).training
    items = [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    collate = Collator(target.pad_token_id)
    longest = max(items, key=lambda item: len(item["input_ids"]))
    for item in items:
        silent = {"input_ids": longest["input_ids"], "labels": [-100] * len(longest["labels"])}
        with torch.inference_mode():
            alone = model(**collate([item])).loss
            beside = model(**collate([item, silent])).loss
        assert float(beside) == pytest.approx(float(alone), abs=1e-5)


def adapter_with_dropout(rate: float) -> torch.nn.Module:
    model = torch.nn.Module()
    model.lora_dropout = torch.nn.ModuleDict({"default": torch.nn.Dropout(rate)})
    speed_up_dropout(model)
    return model.lora_dropout["default"]


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate: float) -> None:
    layer = adapter_with_dropout(rate).train()
    torch.manual_seed(0)
    out = layer(torch.ones(1000, 999))
    assert float((out == 0).float().mean()) == pytest.approx(rate, abs=0.004)
    assert float(out.mean()) == pytest.approx(1, abs=0.005)


def test_dropout_follows_torchs_generator_and_rests_in_evaluation() -> None:
    layer = adapter_with_dropout(0.2).train()
    ones = torch.ones(50, 50, dtype=torch.bfloat16)
    drawn = []
    for _ in range(2):
        torch.manual_seed(3)
        drawn.append(layer(ones))
    assert torch.equal(drawn[0], drawn[1])
    assert drawn[0].dtype == torch.bfloat16
    assert not torch.equal(drawn[0], layer(ones))
    assert torch.equal(layer.eval()(ones), ones)


def test_gradients_flow_through_what_was_kept_alone() -> None:
    layer = adapter_with_dropout(0.2).train()
    inputs = torch.ones(64, requires_grad=True)
    out = layer(inputs)
    out.sum().backward()
    assert inputs.grad is not None
    assert torch.equal(inputs.grad == 0, out == 0)


@pytest.mark.parametrize(("count", "rate"), [(1, 0.3), (7, 0.05), (40, 0.3)])
def test_each_element_is_dropped_at_its_rate_and_independently_of_its_neighbour(count: int, rate: float) -> None:
    torch.manual_seed(1)
    rounds = 4000
    dropped = torch.zeros(rounds, count)
    for number in range(rounds):
        positions = dropped_positions(count, rate)
        assert (positions[1:] > positions[:-1]).all()
        dropped[number, positions] = 1
    error = 5 * (rate * (1 - rate) / rounds) ** 0.5
    assert (dropped.mean(0) - rate).abs().max() < error
    if count > 1:
        assert ((dropped[:, 1:] * dropped[:, :-1]).mean(0) - rate**2).abs().max() < error
