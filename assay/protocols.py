"""What one stage may ask of another: `command.py` hands in an implementation, so that no stage imports another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from assay.dataset import Dataset
from assay.findings import Finding, Ledger
from assay.records import Message


@dataclass(frozen=True)
class Judged:
    """What curate decided about each row, and why."""

    ledger: Ledger
    findings: tuple[Finding, ...]


class Audit(Protocol):
    """Curate's judgement as a function: every check on all the rows together, and the fate of each row."""

    def __call__(self, data: Dataset) -> Judged: ...


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One completion to ask for.

    temperature  None leaves it to the provider
    sample       tells apart independent answers to the same messages
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None
    seed: int | None = None
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """One completion as it came. stop_reason is "stop" when the model ended by itself, "length" when it was cut."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    stop_reason: str


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float


class Provider(Protocol):
    """A model that answers, remote or local. Retrying is not its business: what can be retried raises
    `ProviderError`, what cannot raises `ProviderRefusedError`."""

    @property
    def name(self) -> str:
        """The provider, for example "openai"."""
        ...

    @property
    def model(self) -> str: ...

    @property
    def batch_size(self) -> int:
        """Requests that one call of `generate` takes at most: 1 for an API, more for a local model."""
        ...

    @property
    def concurrency(self) -> int:
        """Calls of `generate` that may be under way at once."""
        ...

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        """One Generation a request, in order. Raises ProviderError."""
        ...


class Scorer(Protocol):
    """Scores one output against a reference, 0.0 to 1.0."""

    def __call__(self, output: str, reference: str) -> float: ...
