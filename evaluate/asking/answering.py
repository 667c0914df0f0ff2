"""Answers of a model to items of an examination: those that were given before, and the rest asked, a chunk at a time.

What is on disk is not asked again. A chunk is what a killed evaluation can lose: some batches, of items of like
length, so that cutting the work up costs hardly any padding. Chunks depend on the items alone, and not on the model:
every model meets the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.models.devices import memory_failures

from ..evaluation import ModelName
from .examination import Answer, Examination, Item
from .parts import PartStore, part_key
from .progress import Progress

if TYPE_CHECKING:
    from ..models.backends import Switched
    from ..models.lm_eval_model import AssayLM

BATCHES_A_CHUNK = 8
"""Full batches of a chunk, about: seconds of work, and still little beside the prefix that a chunk computes once."""


@dataclass(frozen=True)
class Answering:
    """identity  `Evaluation.identity`: what the answers depend on beside the items
    store     where answers are kept; None keeps none
    """

    switched: Switched
    lm: AssayLM
    identity: Mapping[str, Any]
    store: PartStore | None
    progress: Progress
    contents: dict[str, str] = field(default_factory=dict)

    def answers(self, examination: Examination, arm: ModelName, numbers: Sequence[int]) -> list[Answer]:
        """One for each number, in order. Raises SuiteError, ModelError, StorageError."""
        items = examination.items
        tokens = sum(items[number].cost for number in numbers)
        part = self.progress.part(arm, examination.name, len(numbers), tokens)
        found: dict[int, Answer] = {}
        for chunk in chunks(items, numbers, BATCHES_A_CHUNK * self.lm.limits.batch_tokens):
            key = part_key(**self._decides(examination, arm, chunk))
            answers = self.store.get(key, len(chunk)) if self.store is not None else None
            if answers is not None:
                part.found(len(chunk))
            else:
                doing = f"while {arm} answers {examination.name}"
                with memory_failures(doing, self._less_memory()), self.switched.switched_to(arm):
                    answers = examination.answer(self.lm, chunk, part.done)
                if self.store is not None:
                    self.store.put(key, answers)
            found.update(zip(chunk, answers, strict=True))
        return [found[number] for number in numbers]

    def _less_memory(self) -> str:
        tokens = self.lm.limits.batch_tokens
        kept = "; what was answered is kept for the same command" if self.store is not None else ""
        return f"try evaluate.batch_tokens={tokens // 2} (it is {tokens}), or end what else holds memory{kept}"

    def _decides(self, examination: Examination, arm: ModelName, numbers: Sequence[int]) -> dict[str, Any]:
        """All that an answer depends on, but for assay and the libraries, which `part_key` adds."""
        identity = self.identity
        whose: dict[ModelName, Any] = {
            "base": None,
            "previous": identity["previous"],
            "candidate": identity["adapter"],
            "damaged": [identity["adapter"], identity["seed"]],
            "slightly_damaged": [identity["adapter"], identity["seed"], "slightly"],
            "zero": [identity["adapter"], "zero"],
        }
        return {
            "base": {key: value for key, value in identity["base"].items() if key not in ("name", "revision")},
            "adapter": whose[arm],
            "tokenizer": identity["tokenizer_sha256"],
            "stop_tokens": sorted(self.lm.stop_token_ids),
            "device": identity["device"],
            "examination": self._content(examination),
            "numbers": list(numbers),
            "limits": list(vars(self.lm.limits).values()),
            **self._server(arm),
        }

    def _server(self, arm: ModelName) -> dict[str, Any]:
        """Of an answer that a server gave: which model of which server it was."""
        server = self.identity.get("server")
        return {} if server is None else {"server": [server["base_url"], server["api"], server["models"].get(arm)]}

    def _content(self, examination: Examination) -> str:
        """Once a suite: it is a digest over all its items."""
        if examination.name not in self.contents:
            self.contents[examination.name] = examination.content
        return self.contents[examination.name]


def chunks(items: Sequence[Item], numbers: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """The numbers in groups of about `tokens`, costly items first, each group in ascending order."""
    chunk: list[int] = []
    cost = 0
    for number in sorted(numbers, key=lambda number: (-items[number].cost, number)):
        if chunk and cost + items[number].cost > tokens:
            yield sorted(chunk)
            chunk, cost = [], 0
        chunk.append(number)
        cost += items[number].cost
    if chunk:
        yield sorted(chunk)
