"""LoRA+: the two matrices of an adapter learn at different rates.

Hayou, Ghosh and Yu (arXiv:2402.12354) show that with one rate for both, B learns too slowly in wide models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def speed_up_b(optimizer: torch.optim.Optimizer, model: torch.nn.Module, ratio: float) -> None:
    """Splits each parameter group, so that every B learns at `ratio` times the rate of its A.

    Vectors (the magnitudes of DoRA) go with B and matrices that are no B with A, as `peft.optimizers` groups them.
    Done on the optimizer that the trainer made, so that its kind and its weight decay stay as they were asked for.
    """
    faster = {id(p) for name, p in model.named_parameters() if ".lora_B." in name or p.ndim == 1}
    split = []
    for group in optimizer.param_groups:
        rates = ((False, group["lr"]), (True, group["lr"] * ratio))
        for is_b, rate in rates:
            members = [p for p in group["params"] if (id(p) in faster) == is_b]
            if members:
                split.append({**group, "params": members, "lr": rate})
    optimizer.param_groups[:] = split
