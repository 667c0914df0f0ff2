"""What one stage may ask of another: `command.py` hands in an implementation, so that no stage imports another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from assay.calls.pacing import Limits
from assay.dataset import Dataset
from assay.errors import ProviderError
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
    """US dollars for a million tokens.

    cached_input  input that the provider had in its cache; None: as any input
    cache_write   input that is put there; None: 1.25 times input, which is what it costs where it costs more
    most_input    tokens of a prompt up to which it holds; None: any number
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    most_input: int | None = None


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


@runtime_checkable
class AsyncProvider(Protocol):
    """A provider that has many calls under way at once without a thread for each."""

    def session(
        self, told: Callable[[Limits], None]
    ) -> AbstractAsyncContextManager[Callable[[GenerationRequest], Awaitable[Generation]]]:
        """Connections for a while, and the way to ask through them; `told` is given what the server's headers allow.

        Asking raises as `Provider.generate` does.
        """
        ...


@runtime_checkable
class RestoringProvider(Protocol):
    """A provider that sends something else than it is given, such as placeholders for personal data. The journal keeps
    its answers as they came."""

    def restore(self, request: GenerationRequest, generation: Generation) -> Generation: ...


@dataclass(frozen=True, slots=True)
class BatchLine:
    """What became of one request of a batch job. error is None where there is a generation."""

    key: str
    generation: Generation | None
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of a batch job, in any order, perhaps not for every request. error: it was turned away whole."""

    lines: tuple[BatchLine, ...]
    error: ProviderError | None = None


@runtime_checkable
class BatchProvider(Protocol):
    """A provider that answers many requests in one job, hours later and for less. Keys are those of the journal."""

    @property
    def poll_seconds(self) -> float:
        """Between two looks at a job, once it has been under way for a while."""
        ...

    @property
    def most_requests(self) -> int:
        """That one job takes."""
        ...

    async def submit(self, tag: str, requests: Mapping[str, GenerationRequest]) -> str:
        """The job's id. The tag goes with it, so that it is found should the id be lost. Raises ProviderError."""
        ...

    async def find(self, tag: str, keys: Collection[str], since: str, known: Collection[str]) -> str | None:
        """The id of a job that may have been submitted with this tag and these keys at `since`, UTC; None: there is
        none. known holds the ids of jobs that are others. Raises ProviderError."""
        ...

    async def ended(self, job: str) -> bool:
        """Whether all that will come of it is there. Raises ProviderError."""
        ...

    async def result(self, job: str) -> BatchResult:
        """Of a job that has ended. Raises ProviderError when it cannot be read, which may pass."""
        ...


class Scorer(Protocol):
    """Scores one output against a reference, 0.0 to 1.0."""

    def __call__(self, output: str, reference: str) -> float: ...


@dataclass(frozen=True, slots=True)
class SelectionItem:
    """An item that selects among checkpoints.

    prompt  token ids that the answer follows
    text    what is asked, as a leak check compares it
    score   of an answer, 0.0 to 1.0
    """

    id: str
    prompt: tuple[int, ...]
    text: str
    score: Callable[[str], float]


@dataclass(frozen=True)
class Selection:
    """Items of a domain suite by which a checkpoint is chosen. They never judge the adapter that they chose."""

    suite: str
    data_sha256: str
    max_new_tokens: int
    items: tuple[SelectionItem, ...]
