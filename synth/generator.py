"""What a generator is: one file in `generators/`, one decorated function that plans jobs.

A job is a small plan: a first request, and the way from its answer to a record, to a refusal, or to more requests
whose answers go the same way. Planning asks nothing and costs nothing, and each step depends on nothing but the
answers before it, so the same seeds, settings and answers give the same records in the same order, after a crash too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from assay.errors import SettingsError
from assay.protocols import GenerationRequest
from assay.records import Json, Message, Record
from assay.registry import Registry

from .asking.prompting import PROMPTS, Prompt, load_prompt

DEFAULT_COUNT = 50

__all__ = [
    "GENERATORS",
    "PROMPTS",
    "Ask",
    "Draft",
    "Generator",
    "Job",
    "Outcome",
    "Poll",
    "Prompt",
    "Quote",
    "Refused",
    "count_of",
    "generator",
    "generator_from",
    "load_prompt",
]


class Refused(NamedTuple):
    """An answer that makes no record, and the step that says so."""

    step: str
    reason: str


@dataclass(frozen=True)
class Quote:
    """What a model says that a source says.

    source_id   id of the document or record that is quoted
    source      its text, or the part of it that the model was given
    start       where that part begins in the document, in characters
    location    file, page or heading, for a person
    place       characters [start, end) of the document where it was found; None until a step has found it
    """

    text: str
    source_id: str
    source: str
    start: int = 0
    location: str = ""
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Draft:
    """A record before anything has judged it.

    tools     declared tools; those of the seed when None
    quotes    what has to stand in a source
    question  what an independent answer to the same question is asked with; the turns before the last when empty
    facts     what steps have found out about it: JSON, kept with the record's lineage
    """

    messages: tuple[Message, ...]
    tools: tuple[Json, ...] | None = None
    quotes: tuple[Quote, ...] = ()
    question: tuple[Message, ...] = ()
    facts: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """What has to be asked before there is a record; `then` is given the texts of the answers, in order."""

    requests: tuple[GenerationRequest, ...]
    then: Callable[[Sequence[str]], Outcome]


@dataclass(frozen=True)
class Poll:
    """Independent answers of which each counts alone; `then` is given their texts, None for one cut or declined."""

    requests: tuple[GenerationRequest, ...]
    then: Callable[[Sequence[str | None]], Outcome]


Outcome: TypeAlias = Draft | Refused | Ask | Poll


@dataclass(frozen=True)
class Job:
    """One record to ask for.

    request  the first request
    seed     the record, or the piece of a document, that it starts from
    build    turns the text of the first answer into a record, more to ask, or the reason why there is none
    variant  tells apart what a method asks of one seed, beside `request.sample`
    others   further records that the model was shown: parents as the seed is
    settings what the method did with this seed in particular, kept with the record's lineage
    replaces row ids of records whose place the new one takes; it is judged without them
    """

    request: GenerationRequest
    seed: Record
    template_sha256: str
    build: Callable[[str], Outcome]
    variant: str = ""
    others: tuple[Record, ...] = ()
    settings: Mapping[str, Json] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Names the job within its method."""
        return f"{self.seed.row_id}:{self.variant}" if self.variant else self.seed.row_id

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of all that it was made from, each once, the seed first; what holds no text (a declared tool) is none."""
        return tuple(dict.fromkeys(record.id for record in (self.seed, *self.others) if record.messages))


@dataclass(frozen=True)
class Generator:
    """A method. function(seeds, settings, *, ...) -> Iterator[Job]

    instead  settings of the method each of which names something to start from in place of seeds
    """

    name: str
    function: Callable[..., Iterator[Job]]
    instead: tuple[str, ...] = ()

    def needs_seeds(self, arguments: Mapping[str, Json]) -> bool:
        return not any(arguments.get(name) for name in self.instead)


def generator(function: Callable[..., Iterator[Job]]) -> Generator:
    """Decorates a method that starts from seeds; keyword-only arguments are its settings."""
    return Generator(function.__name__, function)


def generator_from(*settings: str) -> Callable[[Callable[..., Iterator[Job]]], Generator]:
    """Decorates a method that starts from what one of these settings names, and needs no seeds then."""
    return lambda function: Generator(function.__name__, function, settings)


def count_of(method: str, arguments: Mapping[str, Json]) -> int:
    """Accepted records wanted of a method. Raises SettingsError."""
    count = int(arguments.get("count", DEFAULT_COUNT))
    if count < 1:
        raise SettingsError(f"count is {count}, but should be 1 or more", where=f"synth.methods.{method}")
    return count


GENERATORS: Registry[Generator] = Registry("assay.synth.generators", "assay.generators", "generator", Generator)
