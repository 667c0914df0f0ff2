"""A candidate hurt on purpose, clearly or a little: a suite that scores it like the healthy one proves nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

SLIGHT_DIVERGENCE = 0.2
"""Nats of mean KL divergence from the healthy candidate over the probe, at which about a margin of score is lost.
docs/decisions/0014-how-much-damage.md has what was measured."""

NEAR_ENOUGH = 0.1
"""Relative distance from that divergence at which the search ends."""
FIRST_SLIGHT = 1.0
TRIES = 16
"""Forward passes of the search at most; four to six are usual."""
LEAST, MOST = 1e-9, 1e9
"""Nats that stand for no divergence, and for one that is no number."""


@dataclass(frozen=True)
class Noise:
    """Normal noise on the weights of one adapter, in units of each tensor's root mean square.

    The same seed gives the same noise on any device.
    """

    parameters: tuple[torch.Tensor, ...]
    origins: tuple[torch.Tensor, ...]
    directions: tuple[torch.Tensor, ...]

    def set_strength(self, strength: float) -> None:
        import torch

        with torch.no_grad():
            for parameter, origin, direction in zip(self.parameters, self.origins, self.directions, strict=True):
                parameter.copy_(origin + direction * strength)


def noise_on(model: PeftModel, name: str, seed: int) -> Noise:
    """Raises ModelError for an adapter without weights."""
    import torch

    parameters = tuple(p for key, p in model.named_parameters() if f".{name}." in f"{key}.")
    if not parameters:
        raise ModelError("the candidate has no weights of its own, so it cannot be hurt on purpose", fix=WITHOUT)
    generator = torch.Generator().manual_seed(seed)
    return Noise(
        parameters,
        tuple(p.detach().clone() for p in parameters),
        tuple((torch.randn(p.shape, generator=generator) * _scale(p)).to(p.device, p.dtype) for p in parameters),
    )


def damage(model: PeftModel, name: str, probe: Sequence[int], seed: int) -> float:
    """Adds noise to the adapter `name`, doubled until hardly a next token over the probe is the one it was.

    The strength is found and not fixed, because what an adapter of one rank and scale hardly feels ruins another;
    where none gets there, as with an adapter of the queries alone, the one that changes most is taken.
    The strength is found anew for each data type and device, and could differ where another rounding tips a token of
    the probe. Returns the share of next tokens that still agree.
    Raises ModelError when no strength changes half of them.
    """
    model.set_adapter(name)
    noise = noise_on(model, name, seed)
    healthy = _logits(model, probe).argmax(-1)

    def agreement(strength: float) -> float:
        noise.set_strength(strength)
        return float((_logits(model, probe).argmax(-1) == healthy).float().mean())

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


def damage_slightly(
    model: PeftModel, name: str, probe: Sequence[int], seed: int, divergence: float = SLIGHT_DIVERGENCE
) -> float:
    """Adds so much noise to the adapter `name` that its next tokens over the probe diverge by about `divergence`.

    That is the mean KL divergence from the healthy candidate, which grows with a power of the noise's strength: the
    search steps along that law, and within what is known to be too little and too much. Logits are compared in float32
    whatever the model's data type. Where no strength gets so far, the one that comes nearest is taken. Returns the
    divergence that was reached, in nats.
    """
    model.set_adapter(name)
    noise = noise_on(model, name, seed)
    healthy = _logits(model, probe).float().log_softmax(-1)

    def diverged(strength: float) -> float:
        noise.set_strength(strength)
        hurt = _logits(model, probe).float().log_softmax(-1)
        found = float((healthy.exp() * (healthy - hurt)).sum(-1).mean())
        return max(found, LEAST) if math.isfinite(found) else MOST

    tried: dict[float, float] = {}
    strength = FIRST_SLIGHT
    while len(tried) < TRIES:
        tried[strength] = diverged(strength)
        if abs(tried[strength] / divergence - 1) <= NEAR_ENOUGH:
            return tried[strength]
        strength = _next_strength(tried, divergence)
    return diverged(min(tried, key=lambda strength: abs(math.log(tried[strength] / divergence))))


def _next_strength(tried: Mapping[float, float], divergence: float) -> float:
    """On a line through the nearest strengths that are too little and too much, both axes logarithmic; where one of
    them is still unknown, by a square law, and at most eight times as strong or as weak."""
    little = [strength for strength, found in tried.items() if found < divergence]
    much = [strength for strength, found in tried.items() if found >= divergence]
    if not little or not much:
        last = max(little) if little else min(much)
        return last * min(8.0, max(1 / 8, math.sqrt(divergence / tried[last])))
    high = min(much)
    low = max((strength for strength in little if strength < high), default=high / 8)
    if low not in tried:
        return low
    share = math.log(divergence / tried[low]) / math.log(tried[high] / tried[low])
    return float(low * (high / low) ** min(0.9, max(0.1, share)))


def _logits(model: Any, probe: Sequence[int]) -> torch.Tensor:
    """[tokens, vocabulary]"""
    import torch

    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([list(probe)], device=model.device)).logits[0]
        return logits


WITHOUT = "evaluate.damaged_items=0 leaves the damaged model out, and the gate then says what is not proved"


def _scale(parameter: torch.Tensor) -> float:
    """Root mean square of the weights; a small number where they are all zero."""
    return max(float(parameter.detach().float().square().mean().sqrt()), 1e-4)
