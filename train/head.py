"""Projecting onto the vocabulary only where there is something to learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def answers_only_head() -> Iterator[None]:
    """Makes TRL's fused head skip masked positions on every device; TRL itself does so on CUDA with Triton alone.

    The loss is the same number. With a vocabulary of 49,152 and a 135M model, projecting all positions of
    records whose answers are a seventh of their tokens took a third of a step on a CPU. TRL asks its own
    `_use_triton` whether to leave masked positions out, because on Neuron the shapes would change; the
    kernels ask a name of their own and are not concerned. Without that name (another TRL) nothing changes.
    """
    from trl.trainer import utils

    original = getattr(utils, "_use_triton", None)
    if original is None:
        yield
        return

    def compact(device: torch.device) -> bool:
        return device.type in ("cpu", "cuda", "mps") or bool(original(device))

    utils._use_triton = compact
    try:
        yield
    finally:
        utils._use_triton = original
