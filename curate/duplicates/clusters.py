"""Disjoint sets of positions, and how the members of buckets are tied together pair by pair.

All pairs of a large cluster grow with its square: text-dedup, which enumerates them, was seen to take 21 GB. Here a
pair is looked at only while its two sides are not yet in one set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ..ngrams.kernels import compiled

Positions: TypeAlias = npt.NDArray[np.int64]
Verify: TypeAlias = Callable[[Positions, Positions], npt.NDArray[np.bool_]]
"""f(first, second) -> which of the pairs belong together; all of shape [pairs]."""

ALL_PAIRS_BUCKET = 12
"""Buckets up to this size have all their pairs looked at."""

NEIGHBOURS = 3
"""In a larger one each member is compared with as many that follow it, and with each centre in turn."""

MAX_CENTRES = 16


class Clusters:
    """Sets of the positions 0 ... count - 1; the smallest position leads its set."""

    def __init__(self, count: int) -> None:
        self._parent = np.arange(count, dtype=np.int64)

    def leaders(self, positions: Positions | None = None) -> Positions:
        """Of the positions given, or of all; shape [positions]."""
        wanted = np.arange(len(self._parent)) if positions is None else positions
        return cast("Positions", _leaders(self._parent, wanted))

    def join(self, first: Positions, second: Positions) -> None:
        _join(self._parent, first, second)

    def groups(self) -> Iterator[Positions]:
        """The sets of two and more, in the order of their leaders; each in ascending order."""
        yield from groups_of(self.leaders())


def groups_of(labels: npt.NDArray[np.generic]) -> Iterator[Positions]:
    """The positions that share a label, where there are two and more; in the order in which the first ones stand."""
    order = np.argsort(labels, kind="stable")
    starts, ends = _runs(labels[order])
    large = np.flatnonzero(ends - starts > 1)
    for run in large[np.argsort(order[starts[large]])]:
        yield order[starts[run] : ends[run]]


def first_alike(keys: npt.NDArray[np.generic]) -> Positions:
    """Of each position the first one with the same key; shape [positions]."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return cast("Positions", first[inverse])


def tie(keys: npt.NDArray[np.uint32], positions: Positions, clusters: Clusters, verify: Verify) -> None:
    """Joins positions that share a key and pass `verify`; a key of 0 is none. keys: one for each of `positions`."""
    order, ordered = _sorted(keys)
    starts, ends = _runs(ordered)
    members = positions[order]
    large = (ends - starts) > 1
    sizes, starts = (ends - starts)[large], starts[large]
    if not len(sizes):
        return
    inside = np.repeat(starts, sizes) + _counting(sizes)
    members, bucket, size_of = members[inside], np.repeat(np.arange(len(sizes)), sizes), np.repeat(sizes, sizes)
    for step in range(1, ALL_PAIRS_BUCKET):
        if step >= len(members):
            break
        pair = bucket[step:] == bucket[:-step]
        if step > NEIGHBOURS:
            pair &= size_of[step:] <= ALL_PAIRS_BUCKET
        _look(members[:-step][pair], members[step:][pair], clusters, verify)
    _around_centres(members[size_of > ALL_PAIRS_BUCKET], bucket[size_of > ALL_PAIRS_BUCKET], clusters, verify)


def _around_centres(members: Positions, bucket: Positions, clusters: Clusters, verify: Verify) -> None:
    """The first of each bucket is its centre; what is not tied to it goes on with the next centre."""
    for _ in range(MAX_CENTRES):
        if len(members) < 2:
            return
        starts, ends = _runs(bucket)
        centres = np.repeat(members[starts], ends - starts)
        _look(centres, members, clusters, verify)
        rest = clusters.leaders(centres) != clusters.leaders(members)
        members, bucket = members[rest], bucket[rest]


def _look(first: Positions, second: Positions, clusters: Clusters, verify: Verify) -> None:
    apart = clusters.leaders(first) != clusters.leaders(second)
    first, second = first[apart], second[apart]
    if len(first):
        alike = verify(np.minimum(first, second), np.maximum(first, second))
        clusters.join(first[alike], second[alike])


def _sorted(keys: npt.NDArray[np.uint32]) -> tuple[Positions, npt.NDArray[np.uint32]]:
    """The places of keys other than 0, in the order of the keys and then of the places; and the keys in that order.

    Key and place are sorted as one number, which takes a tenth of the time of a stable argsort.
    """
    filled = np.flatnonzero(keys)
    both = (keys[filled].astype(np.uint64) << np.uint64(32)) | filled.astype(np.uint64)
    both.sort()
    return (both & np.uint64(0xFFFFFFFF)).astype(np.int64), (both >> np.uint64(32)).astype(np.uint32)


def _runs(ordered: npt.NDArray[np.generic]) -> tuple[Positions, Positions]:
    """Where runs of equal values begin and end."""
    if not len(ordered):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return starts, np.append(starts[1:], len(ordered))


def _counting(sizes: Positions) -> Positions:
    """0 ... size - 1 for each size, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)


@compiled
def _find(parent: Any, position: Any) -> Any:
    while parent[position] != position:
        parent[position] = parent[parent[position]]
        position = parent[position]
    return position


@compiled
def _leaders(parent: Any, positions: Any) -> Any:
    out = np.empty(len(positions), np.int64)
    for index in range(len(positions)):
        out[index] = _find(parent, positions[index])
    return out


@compiled
def _join(parent: Any, first: Any, second: Any) -> Any:
    for index in range(len(first)):
        a, b = _find(parent, first[index]), _find(parent, second[index])
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
