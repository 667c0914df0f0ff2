"""What computes log-likelihoods of token ids, and greedy answers to them: a model held here, or another's engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .causal_model import CausalModel
from .generation import Generated, Prompt, Stopping, generate
from .likelihood import Likelihood, Request, likelihoods

Done = Callable[[int], None]
"""Told how many more requests are finished."""


@dataclass(frozen=True)
class Limits:
    """max_length is the context in tokens; batch_tokens those of a forward pass, padding included.

    backend  whose forward pass it is, and in what batches, where it is not assay's
    """

    batch_tokens: int
    max_length: int
    backend: str = "assay"


class Engine(Protocol):
    """Answers as whatever model is switched on. Raises ModelError."""

    def likelihoods(self, requests: Sequence[Request], done: Done) -> list[Likelihood]: ...

    def generate(self, prompts: Sequence[Prompt], stopping: Stopping, done: Done) -> list[Generated]: ...


@dataclass(frozen=True)
class InProcess:
    """assay's own forward pass over a model that is held here."""

    model: CausalModel
    limits: Limits

    def likelihoods(self, requests: Sequence[Request], done: Done) -> list[Likelihood]:
        limits = self.limits
        return likelihoods(
            self.model, requests, batch_tokens=limits.batch_tokens, max_length=limits.max_length, done=done
        )

    def generate(self, prompts: Sequence[Prompt], stopping: Stopping, done: Done) -> list[Generated]:
        return generate(self.model, prompts, stopping, batch_tokens=2 * self.limits.batch_tokens, done=done)
