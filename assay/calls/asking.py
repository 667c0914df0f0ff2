"""What those who ask on behalf of a `Caller` need of it, and how they tell it what came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from assay.calls.journal import Journal
from assay.errors import AssayError, ProviderError
from assay.protocols import Generation, GenerationRequest, Price, Provider


@dataclass
class Unanswered:
    """why: what was said of the request that was given up last, a cap or a fault."""

    why: ProviderError | None = None


class Asking(Protocol):
    """What of a `Caller` is needed here."""

    @property
    def provider(self) -> Provider: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def price(self) -> Price: ...

    @property
    def max_retries(self) -> int: ...

    @property
    def sleep(self) -> Callable[[float], Awaitable[None]]: ...

    @property
    def say(self) -> Callable[[str], None]: ...

    @property
    def unanswered(self) -> Unanswered: ...


@dataclass
class Work:
    """Of one `ask`.

    missing   what is to be asked, by key
    times     how often each key is wanted
    count     requests with an answer
    refusal   why nothing more is asked: it would not help
    """

    answered: Callable[[int], None]
    known: dict[str, Generation] = field(default_factory=dict)
    missing: dict[str, GenerationRequest] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    count: int = 0
    refusal: AssayError | None = None

    def tell(self, key: str, generation: Generation) -> None:
        self.known[key] = generation
        self.count += self.times[key]
        self.answered(self.count)
