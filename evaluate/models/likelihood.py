"""How likely a model finds given continuations: the measure behind multiple choice and perplexity.

Options of one item share their context, so the context is computed once and the options follow it in the same row,
each hidden from the others by the attention mask (tree attention; Miao et al. 2023, SpecInfer, section 4.2). Where
all items share a beginning, such as fixed examples, it is computed once, and several items stand in a row behind it,
hidden from each other likewise (docs/decisions/0064-what-packing-gains.md). Rows are sorted by length and batched by
tokens, in an order that depends on the requests alone: every model sees the very same batches, so that what floating
point does to a batch it does to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from assay.errors import ModelError

from .causal_model import CausalModel, KeysValues, common_prefix

if TYPE_CHECKING:
    import torch

SHORTEST_SHARED_PREFIX = 24
"""Tokens from which a beginning that all requests share is computed once for all of them."""


MERGED_TOKENS = 256
"""Tokens of a row of several items, the shared beginning left out: rows enough share one copy of its keys."""


class Request(NamedTuple):
    """context must hold at least one token, continuation too."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


class Likelihood(NamedTuple):
    """logprob is the sum over the continuation's tokens, natural logarithm; greedy: each was the likeliest."""

    logprob: float
    greedy: bool


class Read(NamedTuple):
    """The token that the position should predict, for one of the requests."""

    column: int
    token: int
    request: int


@dataclass(frozen=True)
class Row:
    """One row of a forward pass.

    segments  0 for what all options of an item see, k for the tokens of its k-th option
    contexts  of each token the item that it belongs to, counted from 0 within the row; empty for a row of one item
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    segments: tuple[int, ...]
    reads: tuple[Read, ...]
    contexts: tuple[int, ...] = ()

    @property
    def packed(self) -> bool:
        return bool(self.contexts) or len(set(self.segments) - {0}) > 1


def likelihoods(
    model: CausalModel,
    requests: Sequence[Request],
    *,
    batch_tokens: int,
    max_length: int,
    done: Callable[[int], None] = lambda _: None,
) -> list[Likelihood]:
    """One result a request, in order. done is told how many more requests are finished.

    A context too long for the model loses its beginning, as in lm-eval. Raises ModelError when the model
    produces NaN.
    """
    import torch

    rows = build_rows(requests, max_length=max_length, longest_packed=model.longest_packed, batch_tokens=batch_tokens)
    sums = np.zeros(len(requests))
    greedy = np.ones(len(requests), dtype=bool)
    with torch.inference_mode():
        for shared, group in groups(rows, model.longest_packed):
            prefix = model.prefix_cache(group[0].ids[:shared]) if shared else None
            for batch in batches(merge(group, shared) if shared else group, batch_tokens, model.most_reads):
                reads = [read for row in batch for read in row.reads]
                logprobs, likeliest = _read_batch(model, batch, prefix, shared)
                if not np.isfinite(logprobs).all():
                    raise ModelError(
                        "the model gives NaN or infinite logits", fix="its weights or its adapter are damaged"
                    )
                index = np.array([read.request for read in reads])
                np.add.at(sums, index, logprobs)
                np.logical_and.at(greedy, index, likeliest)
                done(len(set(index.tolist())))
    return [Likelihood(float(total), bool(flag)) for total, flag in zip(sums, greedy, strict=True)]


def build_rows(
    requests: Sequence[Request], *, max_length: int, longest_packed: int | None, batch_tokens: int
) -> list[Row]:
    """Requests of one context in one row where they fit, else each in its own."""
    by_context: dict[tuple[int, ...], list[int]] = {}
    for number, request in enumerate(requests):
        by_context.setdefault(request.context, []).append(number)
    limit = min(max_length, batch_tokens, *([] if longest_packed is None else [longest_packed]))
    rows = []
    for context, numbers in by_context.items():
        group: list[int] = []
        length = len(context)
        for number in numbers:
            more = len(requests[number].continuation) - 1
            if group and length + more > limit:
                rows.append(_row(context, group, requests, max_length))
                group, length = [], len(context)
            group.append(number)
            length += more
        rows.append(_row(context, group, requests, max_length))
    return rows


def _row(context: tuple[int, ...], numbers: Sequence[int], requests: Sequence[Request], max_length: int) -> Row:
    """The last token of a continuation is only predicted, so it is not part of the row."""
    if len(numbers) == 1:
        # lm-eval: (context + continuation)[-(max_length + 1):][:-1]
        context = context[-max(1, max_length + 1 - len(requests[numbers[0]].continuation)) :]
    ids, positions = list(context), list(range(len(context)))
    segments, reads = [0] * len(context), []
    for segment, number in enumerate(numbers, start=1):
        continuation = requests[number].continuation
        reads.append(Read(len(context) - 1, continuation[0], number))
        for offset, (token, following) in enumerate(pairwise(continuation)):
            reads.append(Read(len(ids), following, number))
            ids.append(token)
            positions.append(len(context) + offset)
            segments.append(segment)
    return Row(tuple(ids), tuple(positions), tuple(segments), tuple(reads))


def merge(rows: Sequence[Row], shared: int) -> list[Row]:
    """Consecutive rows that all begin with the same `shared` tokens as fewer rows, which have that beginning once."""
    merged: list[list[Row]] = []
    tokens = MERGED_TOKENS
    for row in rows:
        own = len(row.ids) - shared
        if tokens + own > MERGED_TOKENS:
            merged.append([])
            tokens = 0
        merged[-1].append(row)
        tokens += own
    return [_merged(group, shared) if len(group) > 1 else group[0] for group in merged]


def _merged(rows: Sequence[Row], shared: int) -> Row:
    first = rows[0]
    ids, positions, segments = (list(part[:shared]) for part in (first.ids, first.positions, first.segments))
    contexts, reads = [0] * shared, []
    for number, row in enumerate(rows):
        reads += [read._replace(column=read.column - shared + len(ids)) for read in row.reads]
        contexts += [number] * (len(row.ids) - shared)
        ids += row.ids[shared:]
        positions += row.positions[shared:]
        segments += row.segments[shared:]
    return Row(tuple(ids), tuple(positions), tuple(segments), tuple(reads), tuple(contexts))


def batches(rows: Sequence[Row], batch_tokens: int, most_reads: int) -> Iterator[list[Row]]:
    """Consecutive rows, so that rows sorted by length need little padding."""
    batch: list[Row] = []
    width = reads = 0
    for row in rows:
        columns = len({read.column for read in row.reads})
        wider = max(width, len(row.ids))
        if batch and (wider * (len(batch) + 1) > batch_tokens or reads + columns > most_reads):
            yield batch
            batch, reads, wider = [], 0, len(row.ids)
        batch.append(row)
        width, reads = wider, reads + columns
    if batch:
        yield batch


def groups(rows: Sequence[Row], longest_packed: int | None) -> list[tuple[int, list[Row]]]:
    """(length of what all rows of the group begin with, the rows, longest first); those that share something first.

    Several tasks asked at once, or a suite with two system turns, have a shared beginning each.
    """
    by_beginning: dict[tuple[int, ...], list[Row]] = {}
    for row in sorted(rows, key=_longest_first):
        by_beginning.setdefault(row.ids[:SHORTEST_SHARED_PREFIX], []).append(row)
    found, rest = [], []
    for group in by_beginning.values():
        shared = _shared_prefix(group, longest_packed)
        if shared:
            found.append((shared, group))
        else:
            rest += group
    return found + ([(0, sorted(rest, key=_longest_first))] if rest else [])


def _longest_first(row: Row) -> tuple[int, tuple[int, ...]]:
    return -len(row.ids), row.ids


def _shared_prefix(rows: Sequence[Row], longest_packed: int | None) -> int:
    """Length of what all rows begin with, where it pays; every row keeps at least its last context token."""
    if len(rows) < 4 or (longest_packed is not None and len(rows[0].ids) > longest_packed):
        return 0
    length = min(common_prefix([row.ids for row in rows]), *(row.segments.count(0) - 1 for row in rows))
    return length if length >= SHORTEST_SHARED_PREFIX else 0


def _read_batch(
    model: CausalModel, batch: Sequence[Row], prefix: KeysValues | None, shared: int
) -> tuple[np.ndarray, np.ndarray]:
    """(log-probability, was it the likeliest) of every read of the batch, in order."""
    import torch

    width = max(len(row.ids) for row in batch) - shared
    ids = np.zeros((len(batch), width), dtype=np.int64)
    positions = np.tile(np.arange(width) + shared, (len(batch), 1))
    segments = np.full((len(batch), width), -1, dtype=np.int64)
    contexts = np.zeros((len(batch), width), dtype=np.int64)
    for number, row in enumerate(batch):
        length = len(row.ids) - shared
        ids[number, :length] = row.ids[shared:]
        positions[number, :length] = row.positions[shared:]
        segments[number, :length] = row.segments[shared:]
        contexts[number, :length] = row.contexts[shared:] or 0
    flat = [number * width + read.column - shared for number, row in enumerate(batch) for read in row.reads]
    places, which = np.unique(np.array(flat), return_inverse=True)
    targets = torch.tensor([read.token for row in batch for read in row.reads], device=model.device)
    needs_mask = prefix is not None or any(row.packed for row in batch)
    logits = model.logits_at(
        torch.from_numpy(ids).to(model.device),
        torch.from_numpy(places).to(model.device),
        attention_mask=_tree_mask(segments, contexts, shared, model) if needs_mask else None,
        position_ids=torch.from_numpy(positions).to(model.device),
        cache=None if prefix is None else model.cache_of(prefix, len(batch)),
    )
    at = torch.from_numpy(which.reshape(-1)).to(model.device)
    normaliser, likeliest = logits.logsumexp(-1), logits.argmax(-1)
    logprobs = logits[at, targets].double() - normaliser[at].double()
    return logprobs.cpu().numpy(), (likeliest[at] == targets).cpu().numpy()


def _tree_mask(segments: np.ndarray, contexts: np.ndarray, shared: int, model: CausalModel) -> torch.Tensor:
    """[rows, 1, width, shared + width]: a token sees the shared beginning, its own item's context and its own option,
    never the future.

    Padding sees padding, since a token that sees nothing would be NaN.
    """
    import torch

    segment, context = torch.from_numpy(segments).to(model.device), torch.from_numpy(contexts).to(model.device)
    width = segment.shape[1]
    causal = torch.ones(width, width, dtype=torch.bool, device=model.device).tril()
    visible = causal & ((segment[:, None, :] == 0) | (segment[:, None, :] == segment[:, :, None]))
    visible &= context[:, None, :] == context[:, :, None]
    everywhere = torch.ones(len(segment), width, shared, dtype=torch.bool, device=model.device)
    return torch.cat([everywhere, visible], dim=-1).unsqueeze(1)
