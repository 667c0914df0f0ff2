"""Does the loss change as the gradient says it will? Two losses beside the start, computed in float32.

An adapter starts with one of its matrices at zero. What a small step adds to a layer's output is then less than half
of the last digit of a bfloat16 number and rounds away, so that a difference of two bfloat16 losses says nothing
(decision 20). The gradient that is asked about is the one of training, whatever its precision; only the two losses
beside it are computed in float32, from the same weights, quantised ones included.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from assay.models.devices import in_double

if TYPE_CHECKING:
    import torch

STEPS = (0.01, 0.001, 0.1)
"""Shares of the loss that a step should change, by the gradient. Curvature spoils long ones, rounding short ones."""

TOLERANCE_FLOAT32 = 0.05
TOLERANCE_HALF = 0.25
"""A gradient in bfloat16 of a model of many layers is right to some percent, where one that belongs to other weights
keeps at most half of its length along the right one."""


def slope_ratio(
    parameters: Sequence[torch.nn.Parameter],
    loss: Callable[[], torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
    tolerance: float,
) -> float:
    """Measured over predicted change of the loss along the gradient: 1 when it points the way.

    The central difference (L(p + h g) - L(p - h g)) / (2 h |g|^2) for the first step length within `tolerance` of 1;
    where none is, the ratio nearest to 1 of all lengths. Parameters are as they were afterwards.

    gradients  of `loss` at the parameters; None for one that does not take part
    """
    import torch

    moved = [(p, g.to(p)) for p, g in zip(parameters, gradients, strict=True) if g is not None]
    squared = sum(float(in_double(g).square().sum()) for _, g in moved)
    kept = [p.detach().clone() for p, _ in moved]
    found: list[float] = []

    def at(length: float) -> float:
        for (parameter, gradient), start in zip(moved, kept, strict=True):
            parameter.data.copy_(start + length * gradient)
        return float(loss())

    try:
        with torch.no_grad(), in_float32():
            start = abs(at(0.0))
            for share in STEPS:
                length = share * max(start, 1e-3) / squared
                found.append((at(length) - at(-length)) / (2 * length * squared))
                if abs(found[-1] - 1) <= tolerance:
                    break
    finally:
        for (parameter, _), value in zip(moved, kept, strict=True):
            parameter.data.copy_(value)
    return min(found, key=lambda ratio: abs(ratio - 1))


@contextlib.contextmanager
def in_float32() -> Iterator[None]:
    """Whatever is computed within is computed in float32, from weights of whatever precision.

    Each operation gets its half-precision operands in float32; views and what is written to stay as they are, and a
    weight is widened for the one operation that reads it. Quantised weights are unpacked into float32.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    halves = (torch.bfloat16, torch.float16)

    def widened(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.float() if value.dtype in halves else value
        if isinstance(value, torch.dtype):
            return torch.float32 if value in halves else value
        if isinstance(value, list | tuple):
            return type(value)(widened(item) for item in value)
        return value

    def into(out: Any, func: Any, args: Any, kwargs: Any) -> Any:
        """What is written to keeps its precision; it is computed in float32 before."""
        wide = widened(out)
        func(*map(widened, args), **{name: widened(value) for name, value in kwargs.items()}, out=wide)
        return out if wide is out else out.copy_(wide)

    class Widened(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            schema = func._schema
            if isinstance(kwargs.get("out"), torch.Tensor):
                return into(kwargs["out"], func, args, {n: value for n, value in kwargs.items() if n != "out"})
            if any(item.alias_info is not None for item in (*schema.returns, *schema.arguments)):
                return func(*args, **kwargs)
            if func is torch.ops.aten.embedding.default:  # the rows that are read, not the whole table
                return widened(func(*args, **kwargs))
            return func(*map(widened, args), **{name: widened(value) for name, value in kwargs.items()})

    with Widened():  # type: ignore[no-untyped-call]
        yield
