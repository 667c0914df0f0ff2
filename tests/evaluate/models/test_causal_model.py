"""One forward pass reads only what is asked for, and gives what the whole model gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from assay.evaluate.models.causal_model import CausalModel, common_prefix


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def model(request: pytest.FixtureRequest, tiny_model: Path) -> Any:
    loaded: Any = AutoModelForCausalLM.from_pretrained(tiny_model, attn_implementation=request.param)
    return loaded.eval()


def positions(ids: torch.Tensor) -> torch.Tensor:
    return torch.arange(ids.shape[1]).expand(ids.shape)


def test_the_head_at_chosen_places_gives_the_logits_of_the_whole_pass(model: Any) -> None:
    ids = torch.randint(4, 400, (3, 11), generator=torch.Generator().manual_seed(0))
    reads = torch.tensor([2, 10, 11, 30])
    with torch.inference_mode():
        found = CausalModel(model).logits_at(ids, reads, attention_mask=None, position_ids=positions(ids))
        whole = model(input_ids=ids).logits.reshape(-1, 400)[reads]
    assert torch.allclose(found, whole, atol=1e-5)


def test_reading_leaves_the_model_as_it_was(model: Any) -> None:
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        before = model(input_ids=ids).logits
        CausalModel(model).logits_at(ids, torch.tensor([1]), attention_mask=None, position_ids=positions(ids))
        assert torch.equal(model(input_ids=ids).logits, before)


def test_what_follows_a_cached_prefix_is_what_follows_the_prefix(model: Any) -> None:
    causal = CausalModel(model)
    ids = torch.randint(4, 400, (1, 12), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        cache = causal.cache_of(causal.prefix_cache(ids[0, :8].tolist()), 2)
        found = causal.logits_at(
            ids[:, 8:].expand(2, -1),
            torch.tensor([3, 7]),
            attention_mask=torch.ones(2, 12, dtype=torch.long),
            position_ids=torch.arange(8, 12).expand(2, -1),
            cache=cache,
        )
        whole = model(input_ids=ids).logits[0, -1]
    assert torch.allclose(found, whole.expand(2, -1), atol=1e-5)


def test_a_prefix_can_be_used_again_after_a_batch_went_on_from_it(model: Any) -> None:
    causal = CausalModel(model)
    with torch.inference_mode():
        prefix = causal.prefix_cache([5, 6, 7, 8])
        kept = [(keys.clone(), values.clone()) for keys, values in prefix]
        causal.logits_at(
            torch.tensor([[9], [10]]),
            torch.tensor([0, 1]),
            attention_mask=torch.ones(2, 5, dtype=torch.long),
            position_ids=torch.tensor([[4], [4]]),
            cache=causal.cache_of(prefix, 2),
        )
    assert all(torch.equal(a, b) for old, new in zip(kept, prefix, strict=True) for a, b in zip(old, new, strict=True))


def test_a_model_that_takes_no_mask_for_its_sliding_layers_branches_no_row_longer_than_the_window() -> None:
    from transformers import LlamaConfig, MistralConfig, Qwen2Config

    def longest(config: Any, attention: str = "sdpa") -> int | None:
        config._attn_implementation = attention

        class Decoder:
            device = "cpu"

            def forward(
                self, input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: torch.Tensor | None = None
            ) -> None:
                attention_mask.dim()  # a mapping has none

            __call__ = forward

        decoder: Any = Decoder()
        decoder.config = config
        return CausalModel(decoder).longest_branched

    assert longest(LlamaConfig()) is None
    assert longest(LlamaConfig(), "flash_attention_2") == 0
    assert longest(MistralConfig(sliding_window=128)) is None, "all its layers are of one kind"
    assert longest(MistralConfig(sliding_window=None)) is None
    assert longest(Qwen2Config(use_sliding_window=False)) is None
    assert (
        longest(Qwen2Config(use_sliding_window=True, sliding_window=64, max_window_layers=1, num_hidden_layers=4)) == 64
    )


def test_the_common_prefix_is_the_longest_beginning_of_all() -> None:
    assert common_prefix([(1, 2, 3), (1, 2, 4), (1, 2)]) == 2
    assert common_prefix([(1,), (2,)]) == 0
    assert common_prefix([(1, 2)]) == 2
    assert common_prefix([]) == 0
