"""Operations, hours and money of a run."""

from __future__ import annotations

from dataclasses import dataclass

from .architecture import Architecture
from .cards import Card
from .workload import Method, Setup

SHORT_PASS = 512
"""Tokens of one forward pass below which a card waits more than it computes."""

UTILISATION: dict[Method, tuple[float, float]] = {"lora": (0.23, 0.50), "qlora": (0.19, 0.48), "full": (0.23, 0.50)}
UTILISATION_SHORT: dict[Method, tuple[float, float]] = {
    "lora": (0.23, 0.38),
    "qlora": (0.09, 0.19),
    "full": (0.23, 0.38),
}
"""Lowest and highest share of a card's peak that a run reaches. From the seconds a step that Qwen's authors measured
for Qwen-7B on one A100-80GB at 256 to 8,192 tokens with checkpointing (README of QwenLM/Qwen, "Profiling of Memory and
Speed"), over the operations counted here; docs/planning.md has the arithmetic. Full fine-tuning is taken as LoRA."""


@dataclass(frozen=True)
class Effort:
    """hours and usd: lowest and highest; usd None without a price. share: of the card's peak, lowest and highest."""

    card: str
    hours: tuple[float, float]
    usd: tuple[float, float] | None
    cards: int
    share: tuple[float, float]


def operations_a_token(architecture: Architecture, setup: Setup) -> float:
    """Floating point operations of training on one token.

    Each weight costs 2 forward and 2 for the gradient of its input; 2 more for its own gradient where it trains
    (Kaplan et al., Scaling Laws for Neural Language Models, 2020, section 2.1); checkpointing goes forward twice.
    Attention adds 4 x length x width forward for the scores and values of a layer and twice as much back; half of that,
    since kernels pass over what the causal mask hides.
    """
    weights = 2.0 * architecture.multiplied
    attention = sum(
        setup.step.sequence * (layer.attention.query_width + layer.attention.output_width) * count
        for layer, count in architecture.layers
    )
    forward = weights + attention
    backward = weights * (2 if setup.method == "full" else 1) + 2 * attention
    return forward * (2 if setup.step.checkpointing else 1) + backward


def utilisation(method: Method, tokens_a_pass: int) -> tuple[float, float]:
    return (UTILISATION if tokens_a_pass >= SHORT_PASS else UTILISATION_SHORT)[method]


def effort(architecture: Architecture, setup: Setup, tokens: float, card: Card, cards: int = 1) -> Effort:
    """tokens: of the whole run. Several cards are taken to share the work without loss."""
    low, high = utilisation(setup.method, setup.step.tokens)
    whole = operations_a_token(architecture, setup) * tokens / (card.tflops * 1e12 * cards) / 3600
    hours = (whole / high, whole / low)
    usd = None if card.usd is None else (hours[0] * card.usd[0] * cards, hours[1] * card.usd[1] * cards)
    return Effort(card.name, hours, usd, cards, (low, high))
