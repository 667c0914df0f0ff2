"""The order of records over the whole run, fixed before it begins, so that a resumed run sees the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

POOL = 32
"""Batches whose records are sorted by length together; a larger pool pads less and mixes less."""


def training_order(lengths: Sequence[int], epochs: float, batch: int, seed: int) -> list[int]:
    """Indices of rows, batch after batch: records of like length share one, and batches come in random order.

    Every row occurs once an epoch; what does not fill a batch at the end of an epoch opens the next, so that
    only the last batch of the run can be short. A fraction of an epoch is a random share of the rows.
    Only numpy's generator and the seed decide, not the state of any library.
    """
    generator = np.random.default_rng(seed)
    total = math.floor(epochs * len(lengths))
    order: list[int] = []
    carried: list[int] = []
    while len(order) + len(carried) < total:
        wanted = min(len(lengths), total - len(order) - len(carried))
        stream = carried + generator.permutation(len(lengths))[:wanted].tolist()
        full = len(stream) // batch * batch
        carried = stream[full:]
        order.extend(_grouped(stream[:full], lengths, batch, generator))
    return order + carried


def _grouped(stream: Sequence[int], lengths: Sequence[int], batch: int, generator: np.random.Generator) -> list[int]:
    batches: list[list[int]] = []
    for start in range(0, len(stream), POOL * batch):
        pool = sorted(stream[start : start + POOL * batch], key=lambda index: (lengths[index], index))
        batches.extend(pool[first : first + batch] for first in range(0, len(pool), batch))
    return [index for position in generator.permutation(len(batches)) for index in batches[position]]


def padding_share(lengths: Sequence[int], order: Sequence[int], per_device: int) -> float:
    """Share of padded positions that are padding, when `order` is cut into forward passes of `per_device` rows."""
    useful = padded = 0
    for start in range(0, len(order), per_device):
        group = [lengths[index] for index in order[start : start + per_device]]
        useful += sum(group)
        padded += max(group) * len(group)
    return 1 - useful / padded if padded else 0.0
