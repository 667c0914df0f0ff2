"""What one stage may ask of another: `command.py` hands in an implementation, so that no stage imports another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from assay.dataset import Dataset
from assay.findings import Finding, Ledger
from assay.records import Json, Message, ToolCall


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
    schema       a JSON schema of an object: the answer's text is then one JSON object of that form, by the provider's
                 own means (structured outputs, a forced tool). It may still be cut or refused: parse it with care
    tools        declared tools in OpenAI's schema, which the answer may call; not together with schema
    shared       so many messages at the front are the same in many requests: where a provider can, they are kept there
                 and cost less (prompt caching). It decides what is paid and never what is answered
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = None
    seed: int | None = None
    sample: int = 0
    schema: Mapping[str, Json] | None = field(default=None, hash=False)
    tools: tuple[Mapping[str, Json], ...] = field(default=(), hash=False)
    shared: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """One completion as it came.

    stop_reason    "stop" when the model ended by itself, "length" when it was cut, "tool" when it calls tools,
                   "refusal" when the model or the provider's content policy declined: text is then what was said of it
    input_tokens   all that was read, cached_tokens (read from a cache) and written_tokens (put into it) among them
    """

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    stop_reason: str
    tool_calls: tuple[ToolCall, ...] = ()
    cached_tokens: int = 0
    written_tokens: int = 0


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
