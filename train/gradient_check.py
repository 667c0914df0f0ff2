"""Does the gradient point the way the loss falls? Asked of the very model that is about to train.

bitsandbytes 0.50.2 repacks 4-bit weights on a processor with AVX512-BF16 in the first forward pass outside
training, and the backward pass then reads them in the layout that is no longer there: training goes on with
wrong gradients, and nothing says so. The check runs in evaluation mode, where that would happen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import TrainingError

if TYPE_CHECKING:
    import torch

STEP = 0.05
"""Change of the loss, as a share of it, that the finite difference aims at: large against rounding, small
enough to be nearly linear."""

LOWEST, HIGHEST = 0.6, 1.5
"""Bounds on measured over predicted change. A right gradient gives 1 within a few per cent in bfloat16; a
gradient through scrambled weights is nearly orthogonal to the true one and gives about 0."""


@dataclass(frozen=True)
class GradientEvidence:
    """slope is the norm of the gradient; ratio is the measured change of the loss over the predicted one."""

    loss: float
    slope: float
    ratio: float


def check_gradient(parameters: Sequence[torch.nn.Parameter], loss: Callable[[], torch.Tensor]) -> GradientEvidence:
    """Central difference of the loss along its gradient, against the gradient's norm.

    parameters  those that train; they are left exactly as they were, without gradients
    loss        the same number for the same parameters: no dropout, one batch

    Raises TrainingError when the two disagree, or when there is no gradient at all.
    """
    import torch

    value = loss()
    gradients = torch.autograd.grad(value, list(parameters), allow_unused=True)
    moved = [(p, g) for p, g in zip(parameters, gradients, strict=True) if g is not None]
    slope = float(torch.sqrt(sum((g.float().square().sum() for _, g in moved), torch.zeros((), device=value.device))))
    start = float(value.detach())
    if not (slope > 0 and slope < float("inf")):
        raise TrainingError(
            f"the loss of the first records ({start:.3g}) has the gradient {slope:.3g}, so nothing can be learned",
            fix="check the labels with `assay train --dry-run`, and the dtype",
        )
    distance = STEP * max(start, 1e-3) / slope
    kept = [p.detach().clone() for p, _ in moved]

    def at(offset: float) -> float:
        with torch.no_grad():
            for (parameter, gradient), origin in zip(moved, kept, strict=True):
                parameter.copy_(origin + (offset / slope) * gradient.to(origin.dtype))
            return float(loss())

    try:
        measured = (at(distance) - at(-distance)) / (2 * distance)
    finally:
        with torch.no_grad():
            for (parameter, _), origin in zip(moved, kept, strict=True):
                parameter.copy_(origin)
    ratio = measured / slope
    if not LOWEST <= ratio <= HIGHEST:
        raise TrainingError(
            f"the gradient is wrong: along it the loss changes by {ratio:.2f} of what it says, and training would go "
            "on in silence",
            fix="update bitsandbytes, or set load_in_4bit: false; `assay doctor` shows the versions",
        )
    return GradientEvidence(start, slope, ratio)
