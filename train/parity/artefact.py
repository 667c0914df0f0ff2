"""What parity asks of a model, whatever form it ships in: how it reads a conversation, where it stops, how likely it
finds given answers, and what it answers.

One file here implements it for each form: `held.py` (an adapter over its base, a folder of transformers), `gguf.py`
(llama.cpp), `ollama.py` (a server over HTTP).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from assay.records import Json, Message

if TYPE_CHECKING:
    import numpy as np


class UnprovedError(Exception):
    """An artefact cannot be asked this, here. Its text says why; a check then reads UNPROVED, never PASS."""


class RefusedError(Exception):
    """The artefact's template takes no such conversation. Its text is the template's own."""


@dataclass(frozen=True)
class Conversation:
    """What is rendered as the prompt of an answer. name is for reports."""

    name: str
    messages: tuple[Message, ...]
    tools: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Passage:
    """Token ids, and the positions of those that are an answer's. Each position is above 0."""

    ids: tuple[int, ...]
    answer: tuple[int, ...]


class TokenScores(NamedTuple):
    """Of the answer's tokens of one passage, in order, each after all that stands before it.

    logprobs   [tokens] float64, natural logarithm
    likeliest  [tokens] int64, the id that the model would have put there
    """

    logprobs: np.ndarray
    likeliest: np.ndarray


@dataclass(frozen=True)
class Held:
    """In what numbers the weights are.

    base   those of the base below what was trained: "full", "nf4", "fp4", or what a file calls its own ("q4_k_m")
    dtype  that each weight is rounded to: "float32", "bfloat16", "float16", or again the file's own
    """

    base: str
    dtype: str


UNKNOWN = Held("unknown", "unknown")
"""Of what cannot be looked into."""


@dataclass(frozen=True)
class Origin:
    """What an artefact says of itself: the adapter that it was made of, and its own weights when they were written.

    Both are {file: sha256}, and {} where it says nothing.
    """

    adapter: Mapping[str, str]
    weights: Mapping[str, str]


NO_ORIGIN = Origin({}, {})


class Artefact(Protocol):
    """Ids are those of the tokenizer that was trained with: an artefact with another fails on its prompts first.

    name   as the table shows it
    kind   adapter | merged | gguf | ollama
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def held(self) -> Held: ...
    @property
    def origin(self) -> Origin: ...

    def place(self) -> Path | None:
        """The folder of its files; None for what is no file here."""
        ...

    def files(self) -> Mapping[str, str]:
        """{file: sha256} of what it consists of, in its place; {} for what is no file here."""
        ...

    def token_texts(self) -> Sequence[str | None]:
        """What its tokenizer calls each token, by id; None for a number that no token has. Raises UnprovedError."""
        ...

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        """By the artefact's own template and tokenizer. Raises RefusedError, UnprovedError."""
        ...

    def stop_ids(self) -> frozenset[int]:
        """Every token that ends an answer by what ships. Raises UnprovedError."""
        ...

    def engine_stops(self) -> frozenset[int]:
        """Tokens that its engine ends at of its own accord, whatever ships; mostly none. Raises UnprovedError."""
        ...

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        """One for each passage. Raises UnprovedError, ModelError for NaN."""
        ...

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        """Greedy, without the stop token. Raises UnprovedError."""
        ...
