"""Greedy answers to many prompts: batches of similar length, padded on the left, keys and values kept.

As in `likelihood.py` the batches depend on the prompts alone. Rows that have ended leave the batch when half of it
has, which for the same answers happens at the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .causal_model import CausalModel, KeysValues, common_prefix, no_numbers
from .likelihood import SHORTEST_SHARED_PREFIX

if TYPE_CHECKING:
    import torch

MOST_ROWS = 64
"""Rows of a batch: beyond this a step's cost grows as the rows do, and waiting for the slowest answer grows too."""


class Prompt(NamedTuple):
    """chat: the conversation that the ids were rendered from, as JSON in OpenAI's shape, for a server that renders it
    itself; None where the prompt is plain text."""

    ids: tuple[int, ...]
    max_new_tokens: int
    chat: str | None = None


class Generated(NamedTuple):
    """text has neither the stop token nor the stop text; ended is False for an answer that was cut off."""

    ids: tuple[int, ...]
    text: str
    ended: bool


class StopText(NamedTuple):
    """Ends an answer as soon as it stands in the text of the last so many tokens."""

    text: str
    tokens: int


@dataclass(frozen=True)
class Stopping:
    """When an answer ends.

    decode   ids to the text of an answer
    texts    looked for in `watched`; the answer's text goes up to the first of them
    watched  ids to text, special tokens included: lm-eval finds a stop text there, even within a special token
    """

    token_ids: frozenset[int]
    pad_token_id: int
    decode: Callable[[Sequence[int]], str]
    texts: tuple[StopText, ...] = ()
    watched: Callable[[Sequence[int]], str] = lambda _: ""

    def ends(self, ids: Sequence[int]) -> bool:
        if ids[-1] in self.token_ids:
            return True
        if not self.texts:
            return False
        seen = self.watched(ids[-max(stop.tokens for stop in self.texts) :])
        return any(stop.text in seen and stop.text in self.watched(ids[-stop.tokens :]) for stop in self.texts)

    def finish(self, ids: Sequence[int]) -> Generated:
        ended = bool(ids) and self.ends(ids)
        kept = tuple(ids[:-1] if ids and ids[-1] in self.token_ids else ids)
        text = self.decode(kept)
        for stop in self.texts:
            text = text.partition(stop.text)[0]
        return Generated(kept, text, ended)


def generate(
    model: CausalModel,
    prompts: Sequence[Prompt],
    stopping: Stopping,
    *,
    batch_tokens: int,
    done: Callable[[int], None] = lambda _: None,
) -> list[Generated]:
    """One answer a prompt, in order; at each step the likeliest token, the lowest id of equals.

    Raises ModelError when the model produces NaN.
    """
    import torch

    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i].ids), prompts[i]))
    answers: dict[int, Generated] = {}
    with torch.inference_mode():
        shared = _shared_prefix(model, prompts)
        prefix = model.prefix_cache(prompts[0].ids[:shared]) if shared else None
        for batch in _batches(order, prompts, batch_tokens):
            new = _Batch.start(model, [prompts[i] for i in batch], stopping, prefix, shared).run()
            answers.update(zip(batch, new, strict=True))
            done(len(batch))
    return [answers[number] for number in range(len(prompts))]


def _shared_prefix(model: CausalModel, prompts: Sequence[Prompt]) -> int:
    """Length of what all prompts begin with, where it pays; every prompt keeps at least its last token."""
    if len(prompts) < 4 or not model.keeps_all_keys:
        return 0
    length = min(common_prefix([prompt.ids for prompt in prompts]), *(len(prompt.ids) - 1 for prompt in prompts))
    return length if length >= SHORTEST_SHARED_PREFIX else 0


def _batches(order: Sequence[int], prompts: Sequence[Prompt], batch_tokens: int) -> Iterator[list[int]]:
    """The cache holds prompt and answer of every row, so both count."""
    batch: list[int] = []
    longest = 0
    for number in order:
        longest = max(longest, len(prompts[number].ids) + prompts[number].max_new_tokens)
        if batch and (longest * (len(batch) + 1) > batch_tokens or len(batch) == MOST_ROWS):
            yield batch
            batch, longest = [], len(prompts[number].ids) + prompts[number].max_new_tokens
        batch.append(number)
    if batch:
        yield batch


@dataclass
class _Batch:
    """The rows of one batch while they grow. Tensors run over `active`, the rows that have not ended or left."""

    model: CausalModel
    prompts: Sequence[Prompt]
    stopping: Stopping
    cache: Any
    mask: torch.Tensor
    lengths: torch.Tensor
    following: torch.Tensor
    active: list[int]
    ids: list[list[int]]
    ended: set[int] = field(default_factory=set)

    @classmethod
    def start(
        cls,
        model: CausalModel,
        prompts: Sequence[Prompt],
        stopping: Stopping,
        prefix: KeysValues | None,
        shared: int,
    ) -> _Batch:
        import torch

        own = [prompt.ids[shared:] for prompt in prompts]
        width = max(len(ids) for ids in own)
        padded = torch.tensor([[stopping.pad_token_id] * (width - len(ids)) + list(ids) for ids in own])
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in own])
        positions = (mask.cumsum(-1) - 1).clamp(min=0) + shared
        mask = torch.cat([torch.ones(len(own), shared, dtype=mask.dtype), mask], dim=-1)
        cache = model.empty_cache() if prefix is None else model.cache_of(prefix, len(own))
        device = model.device
        logits = model.logits_at(
            padded.to(device),
            torch.arange(1, len(own) + 1, device=device) * width - 1,
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            cache=cache,
        )
        lengths = torch.tensor([len(prompt.ids) for prompt in prompts], device=device)
        return cls(
            model,
            prompts,
            stopping,
            cache,
            mask.to(device),
            lengths,
            _likeliest(model, logits),
            list(range(len(own))),
            [[] for _ in own],
        )

    def run(self) -> list[Generated]:
        while True:
            self._take(self.following.tolist())
            if len(self.ended) == len(self.prompts):
                return [self.stopping.finish(ids) for ids in self.ids]
            self._drop_ended()
            self._step()

    def _take(self, tokens: Sequence[int]) -> None:
        for row, token in zip(self.active, tokens, strict=True):
            if row in self.ended:
                continue
            self.ids[row].append(token)
            if len(self.ids[row]) >= self.prompts[row].max_new_tokens or self.stopping.ends(self.ids[row]):
                self.ended.add(row)

    def _drop_ended(self) -> None:
        import torch

        going = [place for place, row in enumerate(self.active) if row not in self.ended]
        if 2 * len(going) > len(self.active):
            return
        keep = torch.tensor(going, device=self.model.device)
        self.cache.batch_select_indices(keep)
        self.mask, self.lengths, self.following = self.mask[keep], self.lengths[keep], self.following[keep]
        self.active = [self.active[place] for place in going]

    def _step(self) -> None:
        import torch

        rows = len(self.active)
        self.mask = torch.cat([self.mask, self.mask.new_ones(rows, 1)], dim=-1)
        logits = self.model.logits_at(
            self.following.unsqueeze(-1),
            torch.arange(rows, device=self.model.device),
            attention_mask=self.mask,
            position_ids=self.lengths.unsqueeze(-1),
            cache=self.cache,
        )
        self.lengths = self.lengths + 1
        self.following = _likeliest(self.model, logits)


def _likeliest(model: CausalModel, logits: torch.Tensor) -> torch.Tensor:
    import torch

    if not bool(torch.isfinite(logits.amax(-1)).all()):
        raise no_numbers(model)
    return logits.argmax(-1)
