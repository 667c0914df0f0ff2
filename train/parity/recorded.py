"""A model that was asked and has left memory: its figures, so that two large models never stand there at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.storage import sha256_folder

from .artefact import NO_ORIGIN, Conversation, Held, Origin, Passage, TokenScores, UnprovedError
from .held import prompt_ids, texts_of
from .provenance import Trained

if TYPE_CHECKING:
    from assay.chat import ChatTarget


@dataclass(frozen=True)
class Recorded:
    """What an adapter over its base said of `passages`; prompts and stop tokens come from its target, as they did."""

    trained: Trained
    held: Held
    passages: tuple[Passage, ...]
    scores: tuple[TokenScores, ...]
    kind: str = "adapter"

    @property
    def name(self) -> str:
        return str(self.trained.folder)

    @property
    def target(self) -> ChatTarget:
        return self.trained.target

    @property
    def origin(self) -> Origin:
        return NO_ORIGIN

    def place(self) -> Path:
        return self.trained.folder

    def files(self) -> Mapping[str, str]:
        return sha256_folder(self.trained.folder)

    def token_texts(self) -> Sequence[str | None]:
        return texts_of(self.target.tokenizer)

    def prompt_ids(self, conversation: Conversation) -> tuple[int, ...]:
        return prompt_ids(conversation, self.target)

    def stop_ids(self) -> frozenset[int]:
        return frozenset(self.target.stop_token_ids)

    def engine_stops(self) -> frozenset[int]:
        return frozenset()

    def token_scores(self, passages: Sequence[Passage]) -> list[TokenScores]:
        if tuple(passages) != self.passages:
            raise UnprovedError("other answers were weighed than are asked for")
        return list(self.scores)

    def answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[tuple[int, ...]]:
        raise UnprovedError("the model has left memory")
