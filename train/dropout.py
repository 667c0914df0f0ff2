"""Dropout whose random bits are drawn 64 at a time, for CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LEVELS = 256


def speed_up_dropout(model: torch.nn.Module) -> None:
    """Replaces every LoRA dropout of the model.

    torch draws one random number an element in one thread: with LoRA on every linear layer of a 135M model that
    was a quarter of a training step on a CPU. A byte an element, eight of them a draw, halves it. The rate is
    rounded to 1/256 (0.05 becomes 0.0508), and the scale goes with it. The draws come from torch's own
    generator, so a checkpoint restores them.
    """
    import torch

    class ByteDropout(torch.nn.Module):
        def __init__(self, rate: float) -> None:
            super().__init__()
            self.dropped = round(rate * LEVELS)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            if not self.training or not self.dropped:
                return inputs
            count = inputs.numel()
            draws = torch.empty((count + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
            kept = draws.view(torch.uint8)[:count].view(inputs.shape) >= self.dropped
            return torch.where(kept, inputs * (LEVELS / (LEVELS - self.dropped)), 0.0)

    for module in model.modules():
        layers = getattr(module, "lora_dropout", None)
        if isinstance(layers, torch.nn.ModuleDict):
            for name, layer in layers.items():
                if isinstance(layer, torch.nn.Dropout):
                    layers[name] = ByteDropout(layer.p)
