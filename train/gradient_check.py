"""Does evaluating leave the gradients alone, and are they those of the weights? Asked of the model about to train.

bitsandbytes 0.50.2 repacks 4-bit weights on a processor with AVX512-BF16 in the first forward pass outside
training, and backward passes then do without them: training goes on with wrong gradients, and nothing says so.

Three questions: is the gradient the same after an evaluation, does each frozen layer go back by the weights it went
forward with, and does the loss change along the gradient as the gradient says (`before.finite_difference`)?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import TrainingError
from assay.models.devices import in_double

from .before.finite_difference import TOLERANCE_FLOAT32, TOLERANCE_HALF, slope_ratio

if TYPE_CHECKING:
    import torch

TOLERANCE = 0.05
"""Right ones are within 0.001 of 1 in bfloat16; those of scrambled weights are near 0."""

VECTORS = 8


@dataclass(frozen=True)
class GradientEvidence:
    """What was measured before the first step; agreement and ratios are 1 when all is well.

    slope      norm of the gradient
    agreement  cosine between the gradients before and after a forward pass in evaluation mode
    ratio      of the worst layer: <x, backward(Wx)> over <Wx, Wx>
    measured   change of the loss along the gradient over the change that the gradient predicts; None where the
               model's kernels do not compute in float32
    """

    loss: float
    slope: float
    agreement: float
    ratio: float
    measured: float | None


def check_gradient(
    parameters: Sequence[torch.nn.Parameter],
    loss: Callable[[], torch.Tensor],
    layers: Mapping[str, torch.nn.Module],
    dtype: torch.dtype,
    beside: Callable[[], torch.Tensor] | None = None,
) -> GradientEvidence:
    """Two gradients with an evaluation between them, then each frozen layer by itself, then the loss along the second.

    parameters  those that train
    loss        of one batch without dropout; it is computed with and without gradients
    layers      the linear layers beneath the adapter, in evaluation mode
    dtype       of what flows into them
    beside      the same loss by code that can compute in float32, where that of training cannot

    Raises TrainingError when the gradients differ, belong to other weights, do not point the way, or are none.
    """
    import torch

    start, found = _gradients(parameters, loss)
    before = _flat(found)
    slope = float(before.norm())
    if not 0 < slope < float("inf"):
        raise TrainingError(
            f"the loss of some records ({start:.3g}) has the gradient {slope:.3g}, so nothing can be learned",
            fix="check the labels with `assay train --dry-run`, and the dtype",
        )
    with torch.no_grad():
        loss()
    _, found = _gradients(parameters, loss)
    after = _flat(found)
    agreement = float(before @ after / (slope * after.norm()).clamp_min(1e-30))
    if abs(agreement - 1) > TOLERANCE:
        raise _wrong(f"after one evaluation the gradient is another (cosine {agreement:.2f})")
    ratios = {name: adjoint_ratio(layer, dtype) for name, layer in layers.items()}
    worst = max(ratios, key=lambda name: abs(ratios[name] - 1), default=None)
    if worst is not None and abs(ratios[worst] - 1) > TOLERANCE:
        raise _wrong(f"the backward pass of {worst} does not belong to its weights (ratio {ratios[worst]:.2f}, not 1)")
    tolerance = TOLERANCE_FLOAT32 if dtype == torch.float32 else TOLERANCE_HALF
    measured = _measured(parameters, beside or loss, found, tolerance)
    return GradientEvidence(start, slope, agreement, ratios[worst] if worst is not None else 1.0, measured)


def _measured(
    parameters: Sequence[torch.nn.Parameter],
    loss: Callable[[], torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
    tolerance: float,
) -> float | None:
    """None where a kernel takes no float32. Raises TrainingError for a gradient that does not point the way."""
    try:
        ratio = slope_ratio(parameters, loss, gradients, tolerance)
    except (RuntimeError, NotImplementedError, TypeError):
        return None
    if not abs(ratio - 1) <= tolerance:
        raise _wrong(f"along it the loss changes by {ratio:.2f} of what it says")
    return ratio


def adjoint_ratio(layer: torch.nn.Module, dtype: torch.dtype) -> float:
    """<x, backward(Wx)> / <Wx, Wx> for random x: 1 when the backward pass multiplies by the transpose of W.

    The dot-product test of an adjoint (Claerbout, Earth Soundings Analysis, 1992), with the forward pass as
    evaluation computes it. 0 when no gradient comes back.
    """
    import torch

    device = next(layer.parameters()).device
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(VECTORS, int(layer.in_features), generator=generator).to(device, dtype)  # type: ignore[arg-type]
    with torch.no_grad():
        zero = in_double(layer(torch.zeros_like(inputs)))
        outputs = in_double(layer(inputs)) - zero
    inputs.requires_grad_()
    through = layer(inputs)
    norm = float(outputs.square().sum())
    if norm == 0:
        return 1.0
    if not through.requires_grad:
        return 0.0
    (back,) = torch.autograd.grad(through, inputs, outputs.to(through))
    return float((in_double(back) * in_double(inputs.detach())).sum()) / norm


def _gradients(
    parameters: Sequence[torch.nn.Parameter], loss: Callable[[], torch.Tensor]
) -> tuple[float, Sequence[torch.Tensor | None]]:
    """The loss, and its gradient for each parameter; None for one that takes no part."""
    import torch

    with torch.enable_grad():
        value = loss()
        found = torch.autograd.grad(value, list(parameters), allow_unused=True) if value.requires_grad else ()
    return float(value.detach()), found or [None] * len(parameters)


def gradient_of(
    parameters: Sequence[torch.nn.Parameter], loss: Callable[[], torch.Tensor]
) -> tuple[float, torch.Tensor]:
    """The loss, and its gradient for all parameters as one vector in float32."""
    value, found = _gradients(parameters, loss)
    return value, _flat(found)


def _flat(gradients: Sequence[torch.Tensor | None]) -> torch.Tensor:
    """As one vector in float32."""
    import torch

    vectors = [gradient.float().flatten() for gradient in gradients if gradient is not None]
    return torch.cat(vectors) if vectors else torch.zeros(1)


def _wrong(what: str) -> TrainingError:
    return TrainingError(
        f"the gradient is wrong: {what}, and training would go on in silence",
        fix="update bitsandbytes, or set load_in_4bit: false; `assay doctor` shows the versions",
    )
