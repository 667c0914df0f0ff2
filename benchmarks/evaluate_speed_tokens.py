"""What a side of `evaluate_speed.py` computes, in tokens, and the least that any method computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass
class Computed:
    """passes  calls of the model; tokens that went through its layers, padding included; positions whose logits were
    computed"""

    passes: int = 0
    tokens: int = 0
    logits: int = 0


@contextmanager
def counted(model: Any) -> Iterator[Computed]:
    """What goes through a decoder of transformers, with or without PEFT around it, within the block."""
    found = Computed()
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()

    def embedded(_: Any, __: Any, out: torch.Tensor) -> None:
        found.passes += 1
        found.tokens += out[..., 0].numel()

    def read(_: Any, __: Any, out: torch.Tensor) -> None:
        found.logits += out[..., 0].numel()

    hooks = [embedding.register_forward_hook(embedded), head.register_forward_hook(read)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@dataclass
class Least:
    """Of the same requests: distinct beginnings, each of which is one token after what precedes it, and those of them
    whose logits are asked for."""

    tokens: int = 0
    logits: int = 0

    def add(self, requests: Sequence[Any]) -> None:
        """Pairs of (context, continuation) as token ids, asked in one call; none so long that it is cut."""
        from assay.evaluate.models.causal_model import common_prefix
        from assay.evaluate.models.packing import paths

        before: tuple[int, ...] = ()
        read: list[bool] = []  # of each position of the path before
        for path in paths(requests, 2**30):
            common = common_prefix([before, path.ids])
            own = len(path.ids) - common
            del read[common:]
            read += [False] * own
            self.tokens += own
            self.logits += read[path.first :].count(False)
            read[path.first :] = [True] * (len(path.ids) - path.first)
            before = path.ids


def products(model: Any) -> tuple[int, int]:
    """(multiplications a token in the layers, multiplications a position in the head), the base's alone."""
    import torch

    head = model.get_output_embeddings()
    layers = 0
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and "lora_" not in name and module is not head:
            layers += module.in_features * module.out_features
    return layers, head.in_features * head.out_features
