"""A candidate hurt on purpose: a suite that scores it like the healthy one proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.errors import ModelError

if TYPE_CHECKING:
    import torch
    from peft import PeftModel

AGREEMENT = 0.05
"""Damage is enough when at most this share of the next tokens is what the candidate would have said.

Measured on SmolLM2-135M and three general suites of 100 items: at 0.41 scores fall from 79 to 69 %, which a sound
suite of that size need not notice; the next doubling goes to 0.01, and to chance.
"""

TOO_LITTLE = 0.5
"""Above this share nothing is damaged; between the two lies what an adapter of few modules can do to a model."""

DOUBLINGS = 20
FIRST = 0.25
"""Strength of the first noise, in root mean squares of the weights that it is added to."""


def damage(model: PeftModel, name: str, probe: Sequence[int], seed: int) -> float:
    """Adds noise to the adapter `name`, doubled until hardly a next token over the probe is the one it was.

    The strength is found and not fixed, because what an adapter of one rank and scale hardly feels ruins another;
    where none gets there, as with an adapter of the queries alone, the one that changes most is taken.
    The same seed gives the same noise on any device; the strength is found anew for each, and could differ where
    another data type tips a token of the probe. Returns the share of next tokens that still agree.
    Raises ModelError when no strength changes half of them.
    """
    import torch

    model.set_adapter(name)
    parameters = [p for key, p in model.named_parameters() if f".{name}." in f"{key}."]
    if not parameters:
        raise ModelError("the candidate has no weights of its own, so it cannot be hurt on purpose", fix=WITHOUT)
    ids = torch.tensor([list(probe)], device=model.device)

    def next_tokens() -> torch.Tensor:
        with torch.inference_mode():
            return model(input_ids=ids).logits.argmax(-1)  # type: ignore[no-any-return]

    healthy = next_tokens()
    generator = torch.Generator().manual_seed(seed)
    kept = [p.detach().clone() for p in parameters]
    noise = [(torch.randn(p.shape, generator=generator) * _scale(p)).to(p.device, p.dtype) for p in parameters]

    def agreement(strength: float) -> float:
        with torch.no_grad():
            for parameter, origin, direction in zip(parameters, kept, noise, strict=True):
                parameter.copy_(origin + direction * strength)
        return float((next_tokens() == healthy).float().mean())

    least, strength = 1.0, 0.0
    for stronger in (FIRST * 2.0**doubling for doubling in range(DOUBLINGS)):
        found = agreement(stronger)
        if found < least:
            least, strength = found, stronger
        if least <= AGREEMENT:
            return least
    if least > TOO_LITTLE:
        raise ModelError("no noise on the candidate's weights changes what it says", fix=WITHOUT)
    return agreement(strength)


WITHOUT = "evaluate.damaged_items=0 leaves the damaged model out, and the gate then says what is not proved"


def _scale(parameter: torch.Tensor) -> float:
    """Root mean square of the weights; a small number where they are all zero."""
    return max(float(parameter.detach().float().square().mean().sqrt()), 1e-4)
