"""Greedy answers of a model that is being trained, which leave no trace in its training.

What a generation could leave behind: random numbers drawn (dropout would then be another), the mode of the modules,
the cache switched off or on, the base's own sampling settings, and 4-bit weights in another layout (`load_base` forbids
that). A test trains with and without, and compares every loss.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..methods.unsloth import ready_to_train

if TYPE_CHECKING:
    import torch

    from assay.chat import ChatTarget

MOST_ROWS = 16


class Asked(NamedTuple):
    """ids: the prompt's tokens, as the model is asked at inference."""

    ids: tuple[int, ...]
    max_new_tokens: int


def answering(target: ChatTarget, dtype: str) -> Callable[[Any, Sequence[Asked]], list[str]]:
    """`generate` for the model of a run. dtype: as the recipe names it."""
    import torch

    half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(dtype)
    return lambda model, prompts: generate(model, prompts, target, half)


def generate(model: Any, prompts: Sequence[Asked], target: ChatTarget, half: torch.dtype | None) -> list[str]:
    """One answer a prompt, in order, without its stop token; prompts of like length share a batch.

    half  the precision that autocast computes in; None for float32
    """
    import torch

    order = sorted(range(len(prompts)), key=lambda number: (len(prompts[number].ids), number))
    answers = [""] * len(prompts)
    with undisturbed(model), torch.autocast(model.device.type, dtype=half or torch.bfloat16, enabled=half is not None):
        for start in range(0, len(order), MOST_ROWS):
            batch = order[start : start + MOST_ROWS]
            for number, ids in zip(batch, _greedy(model, [prompts[number] for number in batch], target), strict=True):
                answers[number] = str(target.tokenizer.decode(ids, skip_special_tokens=True))
    return answers


def _greedy(model: Any, batch: Sequence[Asked], target: ChatTarget) -> list[list[int]]:
    """Prompts padded on the left; new tokens up to the first stop token."""
    import torch
    from transformers import GenerationConfig

    width = max(len(prompt.ids) for prompt in batch)
    ids = torch.full((len(batch), width), target.pad_token_id)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(batch):
        ids[row, width - len(prompt.ids) :] = torch.tensor(prompt.ids)
        mask[row, width - len(prompt.ids) :] = 1
    limit = max(prompt.max_new_tokens for prompt in batch)
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    own = inner.generation_config
    inner.generation_config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=limit,
        eos_token_id=list(target.stop_token_ids),
        pad_token_id=target.pad_token_id,
        use_cache=True,
    )
    try:
        with torch.no_grad():
            out = model.generate(input_ids=ids.to(model.device), attention_mask=mask.to(model.device))
    finally:
        inner.generation_config = own
    new: list[list[int]] = out[:, width:].tolist()
    return [_until_stop(row[: prompt.max_new_tokens], target) for row, prompt in zip(new, batch, strict=True)]


def _until_stop(ids: Sequence[int], target: ChatTarget) -> list[int]:
    stop = next((place for place, token in enumerate(ids) if token in target.stop_token_ids), len(ids))
    return list(ids[:stop])


@contextlib.contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Evaluation mode within; afterwards the mode of each module, the cache and torch's generators are as before."""
    import torch

    modes = [(module, module.training) for module in model.modules()]
    config = model.config
    cache = getattr(config, "use_cache", None)
    device = model.device
    model.eval()
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        ready_to_train(model)
        for module, mode in modes:
            module.training = mode
        if cache is not None:
            config.use_cache = cache
