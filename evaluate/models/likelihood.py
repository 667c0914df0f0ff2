"""How likely a model finds given continuations: the measure behind multiple choice and perplexity.

What is computed, and in which batches, is `packing.py`'s affair; here the logits are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from assay.models.devices import in_double

from .causal_model import CausalModel, KeysValues, no_numbers
from .packing import SHORTEST_SHARED_PREFIX, Bounds, Request, Row, batches, groups

if TYPE_CHECKING:
    import torch

__all__ = ["SHORTEST_SHARED_PREFIX", "Likelihood", "Request", "likelihoods"]

LOGITS_AT_HAND = 2**19
"""Logits that are summed up at a time: 2 MiB in float32, which a processor core keeps near itself."""


class Likelihood(NamedTuple):
    """logprob is the sum over the continuation's tokens, natural logarithm; greedy: each was the likeliest."""

    logprob: float
    greedy: bool


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

    pace = model.pace
    bounds = Bounds(min(batch_tokens, pace.batch_tokens), model.most_reads, pace.pass_tokens, model.longest_branched)
    sums = np.zeros(len(requests))
    greedy = np.ones(len(requests), dtype=bool)
    with torch.inference_mode():
        for beginning, rows in groups(requests, max_length, bounds):
            prefix = model.prefix_cache(beginning) if beginning else None
            for batch in batches(rows, bounds):
                logprobs, likeliest = _read_batch(model, batch, prefix, len(beginning))
                if not np.isfinite(logprobs).all():
                    raise no_numbers(model)
                index = np.array([read.request for row in batch for read in row.reads])
                np.add.at(sums, index, logprobs)
                np.logical_and.at(greedy, index, likeliest)
                done(len(set(index.tolist())))
    return [Likelihood(float(total), bool(flag)) for total, flag in zip(sums, greedy, strict=True)]


def _read_batch(
    model: CausalModel, batch: Sequence[Row], prefix: KeysValues | None, cached: int
) -> tuple[np.ndarray, np.ndarray]:
    """(log-probability, was it the likeliest) of every read of the batch, in order."""
    import torch

    width = max(len(row.ids) for row in batch)
    ids = np.zeros((len(batch), width), dtype=np.int64)
    positions = np.tile(np.arange(width) + cached, (len(batch), 1))
    ends = np.tile(np.arange(width) + 1, (len(batch), 1))
    for number, row in enumerate(batch):
        length = len(row.ids)
        ids[number, :length] = row.ids
        positions[number, :length] = row.positions
        ends[number, :length] = row.ends
    flat = [number * width + read.column for number, row in enumerate(batch) for read in row.reads]
    places, which = np.unique(np.array(flat), return_inverse=True)
    needs_mask = prefix is not None or any(row.branched for row in batch)
    logits = model.logits_at(
        torch.from_numpy(ids).to(model.device),
        torch.from_numpy(places).to(model.device),
        attention_mask=_tree_mask(torch.from_numpy(ends).to(model.device), cached) if needs_mask else None,
        position_ids=torch.from_numpy(positions).to(model.device),
        cache=None if prefix is None else model.cache_of(prefix, len(batch)),
    )
    at = torch.from_numpy(which.reshape(-1)).to(model.device)
    targets = torch.tensor([read.token for row in batch for read in row.reads], device=model.device)
    logprobs, likeliest = _log_probabilities(logits, at, targets)
    return logprobs.cpu().numpy(), likeliest.cpu().numpy()


def _log_probabilities(
    logits: torch.Tensor, at: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """([n] in float64, [n] was it the likeliest) of the tokens `targets` by the rows `at` of the logits.

    The sums over the vocabulary are taken a few rows at a time: all at once would take the logits' memory again, and
    three times as long on a processor. The index of the likeliest is slower to find than its value, so it is
    looked for only where the target has that value, which another token before it may have too.
    """
    import torch

    rows = max(1, LOGITS_AT_HAND // logits.shape[-1])
    slices = torch.split(logits, rows)
    normaliser = torch.cat([part.logsumexp(-1) for part in slices])
    highest = torch.cat([part.amax(-1) for part in slices])
    chosen = logits[at, targets]
    likeliest = chosen == highest[at]
    tied = likeliest.nonzero().squeeze(-1)
    for some in torch.split(tied, rows):
        likeliest[some] = logits[at[some]].argmax(-1) == targets[some]
    return in_double(chosen) - in_double(normaliser[at]), likeliest


def _tree_mask(ends: torch.Tensor, cached: int) -> torch.Tensor:
    """[rows, 1, width, cached + width] of `ends` [rows, width]: a token sees what is cached, and of its row itself
    and the tokens that it descends from.

    Padding sees itself, since a token that sees nothing would be NaN.
    """
    import torch

    rows, width = ends.shape
    column = torch.arange(width, device=ends.device)
    visible = (column[:, None] >= column) & (column[:, None] < ends[:, None, :])
    everywhere = torch.ones(rows, width, cached, dtype=torch.bool, device=ends.device)
    return torch.cat([everywhere, visible], dim=-1).unsqueeze(1)
