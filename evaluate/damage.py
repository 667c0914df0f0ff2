"""A candidate hurt on purpose: a suite that scores it like the healthy one proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.errors import ModelError

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

AGREEMENT = 0.5
"""Damage is enough when at most this share of the next tokens is what the candidate would have said."""

DOUBLINGS = 24


def damage(model: PeftModel, name: str, probe: Sequence[int], seed: int) -> float:
    """Adds noise to the adapter `name`, doubled until half of its next tokens over the probe are other ones.

    The strength is found and not fixed, because what an adapter of one rank and scale hardly feels ruins another.
    Returns the share of next tokens that still agree. The same seed gives the same noise on any device.
    Raises ModelError when no strength gets there.
    """
    import torch

    model.set_adapter(name)
    parameters = [(key, p) for key, p in model.named_parameters() if f".{name}." in key and "lora" in key.lower()]
    if not parameters:
        raise ModelError("the candidate has no LoRA weights, so it cannot be hurt on purpose")
    ids = torch.tensor([list(probe)], device=model.device)

    def next_tokens() -> torch.Tensor:
        with torch.inference_mode():
            return model(input_ids=ids).logits.argmax(-1)  # type: ignore[no-any-return]

    healthy = next_tokens()
    generator = torch.Generator().manual_seed(seed)
    kept = [p.detach().clone() for _, p in parameters]
    noise = [torch.randn(p.shape, generator=generator).to(p.device, p.dtype) * _scale(p) for _, p in parameters]
    for doubling in range(DOUBLINGS):
        with torch.no_grad():
            for (_, parameter), origin, direction in zip(parameters, kept, noise, strict=True):
                parameter.copy_(origin + direction * 0.25 * 2.0**doubling)
        agreement = float((next_tokens() == healthy).float().mean())
        if agreement <= AGREEMENT:
            return agreement
    raise ModelError("no noise on the candidate's weights changes what it says, so nothing can be proved with it")


def _scale(parameter: torch.Tensor) -> float:
    """Root mean square of the weights; a small number where they are all zero."""
    return max(float(parameter.detach().float().square().mean().sqrt()), 1e-4)
