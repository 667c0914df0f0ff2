"""What can be put to a model: a domain suite or an lm-eval task, seen alike by the stage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from ..models.lm_eval_model import AssayLM


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    text     what it asks, as a leak check compares it
    cost     about how many tokens an answer takes to compute; for estimates of time only
    context  JSON of what the scorer needs beside output and reference, None where that is nothing
    """

    id: str
    prompt_hash: str
    reference: str | None
    slice: str | None
    cluster: str | None
    text: str
    cost: int
    context: str | None = None


class Answer(NamedTuple):
    """output is the generated text or the chosen option; logprob is the option's, None for generated text.

    option_logprobs  log-likelihoods of all options, in their order; None for generated text
    ended            False for generated text that was cut off at its length; None where that is not known
    """

    score: float
    output: str
    logprob: float | None
    option_logprobs: tuple[float, ...] | None = None
    ended: bool | None = None


Done = Callable[[int], None]
"""Told how many more items are finished."""


Kind: TypeAlias = Literal["suite", "general", "lm_eval"]
"""As in `SuiteResult`."""


class Examination(Protocol):
    """Items, and a way to have them answered by whatever adapter the model has switched on.

    content   digest of all that decides an answer but the model: prompts, references, scorer, settings
    chance    expected score of knowing nothing; None where the answer is free text
    scorer    for `SuiteResult.scorer`
    by_likelihood  it is not text that is asked for, but how likely given texts are
    in_template    prompts stand inside a chat template
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def items(self) -> Sequence[Item]: ...
    @property
    def content(self) -> str: ...
    @property
    def chance(self) -> float | None: ...
    @property
    def data_sha256(self) -> str: ...
    @property
    def data_file(self) -> str | None: ...
    @property
    def scorer(self) -> Mapping[str, Any]: ...
    @property
    def by_likelihood(self) -> bool: ...
    @property
    def in_template(self) -> bool: ...

    def answer(self, lm: AssayLM, numbers: Sequence[int], done: Done) -> list[Answer]:
        """One answer for each of the items with these numbers, in order. Raises SuiteError, ModelError."""
        ...

    def score_texts(self, numbers: Sequence[int], texts: Sequence[str]) -> list[float] | None:
        """One score for each, were these texts the answers; None where that can be had from what is stored, by
        `scorer.rescore`, or where an answer is not one text. Raises SuiteError."""
        ...


def digest(value: Any) -> str:
    """sha256 over the value as JSON."""
    return hashlib.sha256(
        json.dumps(value, sort_keys=True, default=str).encode("utf-8", "backslashreplace")
    ).hexdigest()


def choose(items: Sequence[Item], most: int, seed: int) -> list[int]:
    """Numbers of at most `most` items, in order, drawn by their ids and the seed alone.

    Single items and not whole clusters: of as many items, those from more clusters tell more.
    """
    drawn = sorted(range(len(items)), key=lambda number: digest([seed, items[number].id]))
    return sorted(drawn[:most])


class ItemsDone:
    """Finished requests, told on as finished items, which have several requests each."""

    def __init__(self, items: int, requests: int, done: Done) -> None:
        self.items, self.requests, self.done = items, max(requests, 1), done
        self.seen = self.told = 0

    def __call__(self, requests: int) -> None:
        self.seen += requests
        self._tell(min(self.items, self.items * self.seen // self.requests))

    def finish(self) -> None:
        self._tell(self.items)

    def _tell(self, items: int) -> None:
        if items > self.told:
            self.done(items - self.told)
            self.told = items
