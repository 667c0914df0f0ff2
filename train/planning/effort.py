"""Operations, hours and money of a run."""

from __future__ import annotations

from dataclasses import dataclass

from .architecture import Architecture
from .cards import Card
from .workload import Method, Setup

UTILISATION: dict[Method, tuple[tuple[int, float], ...]] = {
    "lora": ((1024, 0.40), (512, 0.37), (0, 0.23)),
    "qlora": ((1024, 0.32), (512, 0.19), (0, 0.09)),
    "full": ((1024, 0.40), (512, 0.37), (0, 0.23)),
}
"""Share of a card's peak that a run reaches at the least, by the tokens of a pass. From the seconds a step that Qwen's
authors measured for Qwen-7B on one A100-80GB at 256 to 8,192 tokens, with checkpointing (README of QwenLM/Qwen,
"Profiling of Memory and Speed"), over the operations counted here. Full fine-tuning is taken as LoRA."""

BEST_UTILISATION: dict[Method, float] = {"lora": 0.43, "qlora": 0.39, "full": 0.43}
"""The best of the same table."""


@dataclass(frozen=True)
class Effort:
    """tokens: of all epochs, as they pass through the model. hours and usd: lowest and highest; usd None without a
    price."""

    card: str
    hours: tuple[float, float]
    usd: tuple[float, float] | None
    cards: int = 1


def operations_a_token(architecture: Architecture, setup: Setup) -> float:
    """Floating point operations of training on one token.

    Each weight costs 2 forward and 2 for the gradient of its input; 2 more for its own gradient where it trains
    (Kaplan et al., Scaling Laws for Neural Language Models, 2020, section 2.1); checkpointing goes forward twice.
    Attention adds 4 x length x width forward for scores and values of a layer, half of that for causal masks that are
    made use of, which is not assumed here, and twice as much back.
    """
    weights = 2.0 * architecture.multiplied
    attention = sum(
        2.0 * setup.step.sequence * (layer.attention.query_width + layer.attention.output_width) * count
        for layer, count in architecture.layers
    )
    forward = weights + attention
    backward = weights * (2 if setup.method == "full" else 1) + 2 * attention
    return forward * (2 if setup.step.checkpointing else 1) + backward


def utilisation(method: Method, tokens_a_pass: int) -> tuple[float, float]:
    low = next(share for tokens, share in UTILISATION[method] if tokens_a_pass >= tokens)
    return low, BEST_UTILISATION[method]


def effort(architecture: Architecture, setup: Setup, tokens: float, card: Card, cards: int = 1) -> Effort:
    """tokens: padded ones of the whole run. Several cards are taken to share the work without loss."""
    low, high = utilisation(setup.method, setup.step.tokens)
    whole = operations_a_token(architecture, setup) * tokens / (card.tflops * 1e12 * cards) / 3600
    hours = (whole / high, whole / low)
    usd = None if card.usd is None else (hours[0] * card.usd[0] * cards, hours[1] * card.usd[1] * cards)
    return Effort(card.name, hours, usd, cards)
