"""What one of several cards holds when FSDP shards weights, gradients and optimiser over them."""

from __future__ import annotations

from dataclasses import replace

from .architecture import Architecture
from .memory import Memory, peak_memory
from .workload import Setup


def sharded(architecture: Architecture, setup: Setup, cards: int) -> Memory:
    """Of each card. Weights, adapter, gradients and optimiser are divided; two layers are whole while they compute, the
    one in hand and the one fetched ahead (PyTorch FSDP, full sharding); activations are each card's own."""
    whole = peak_memory(architecture, setup)
    if cards == 1:
        return whole
    weights = whole.weights
    layer = weights * max(layer.parameters for layer, _ in architecture.layers) / architecture.parameters
    return replace(
        whole,
        weights=round(weights / cards + 2 * layer),
        adapter=round(whole.adapter / cards),
        gradients=round(whole.gradients / cards),
        optimiser=round(whole.optimiser / cards),
    )
