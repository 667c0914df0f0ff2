"""Pairs of vectors whose cosine reaches a threshold, without comparing all with all.

An inverted file with several probes (Jégou, Douze, Schmid 2011, section IV; Sivic and Zisserman 2003): the vectors are
clustered, each has its home in the nearest cluster and is compared with the members of the nearest few, in blocks by
matrix multiplication. A pair is found when either probes the home of the other. How many are probed depends on the
data: a sample is compared with all vectors, and so many are taken that RECALL of its pairs would be found. Up to
EXACT_ROWS vectors all are compared with all. Large groups give stars, not cliques: of identical vectors each is paired
with the first only, and of a vector's partners in one cluster only the MOST_PARTNERS nearest are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from .probing import best_hits, nearest_columns
from .vectors import Floats, Packed, Positions

Indices: TypeAlias = npt.NDArray[np.int32]

EXACT_ROWS = 4_096
RECALL = 0.985
"""Of the pairs of the sample; of all pairs somewhat less."""

FEW_PAIRS = 200
"""When the sample has fewer pairs, so many clusters are probed that all of them are found."""

FEWEST_PROBES, MOST_PROBES = 3, 48
SAMPLE_PRODUCTS = 300_000_000
"""Dot products that are spent on the sample."""

RECORDS_A_CLUSTER = 256
MOST_CLUSTERS = 4_096
SAMPLED_A_CLUSTER = 16
SAMPLED = 20_000
ROUNDS = 3
BLOCK = 4_096
MOST_PARTNERS = 64


class Pairs(NamedTuple):
    """Positions, first < second, sorted, each pair once; and the cosine, float32."""

    first: Positions
    second: Positions
    similarity: Floats


def similar_pairs(vectors: Packed, threshold: float) -> Pairs:
    """Nearly all pairs at or above the threshold, among vectors that have all their texts.

    Recall is measured in benchmarks/same_meaning_speed.py. Raises ValueError unless 0 < threshold <= 1.
    """
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"a threshold of {threshold} is none: it should be above 0 and at most 1")
    kept, copies = _without_copies(vectors)
    found = list(_search(vectors, kept, threshold))
    first, second = (
        np.concatenate([hit[side] for hit in found]) if found else np.zeros(0, np.int64) for side in (0, 1)
    )
    similarity = np.concatenate([hit[2] for hit in found]) if found else np.zeros(0, np.float32)
    low, high = np.minimum(first, second), np.maximum(first, second)
    _, places = np.unique(low * len(vectors) + high, return_index=True)
    ones = np.ones(len(copies.first), np.float32)
    low = np.concatenate((low[places], copies.first))
    high = np.concatenate((high[places], copies.second))
    order = np.lexsort((high, low))
    return Pairs(low[order], high[order], np.concatenate((similarity[places], ones))[order])


def nearest(vectors: Packed, queries: Packed, threshold: float) -> Pairs:
    """For each vector the nearest of the queries, where it reaches the threshold: (vector, query, cosine).

    Exact, at a cost of vectors x queries; for some ten thousands of queries.
    """
    asked = queries.rows(slice(None))
    found = []
    for start in range(0, len(vectors) if len(queries) else 0, BLOCK):
        similarities = vectors.rows(slice(start, start + BLOCK)) @ asked.T
        best = similarities.argmax(axis=1)
        cosine = similarities[np.arange(len(best)), best]
        rows = np.flatnonzero(cosine >= threshold)
        found.append((rows + start, best[rows], cosine[rows]))
    first, second, similarity = zip(*found, strict=True) if found else ([], [], [])
    return Pairs(
        np.concatenate([np.zeros(0, np.int64), *first]),
        np.concatenate([np.zeros(0, np.int64), *second]),
        np.concatenate([np.zeros(0, np.float32), *similarity]).astype(np.float32),
    )


def stars(pairs: Pairs, count: int) -> Positions:
    """The centre of each of `count` positions; its own where it has no partner.

    Every member is a partner of its centre: similarity is not carried on from neighbour to neighbour, which would
    tie together what has little in common. Positions with most partners become centres first.
    """
    centre = np.arange(count)
    both = np.concatenate((pairs.first, pairs.second))
    partner = np.concatenate((pairs.second, pairs.first))
    order = np.argsort(both, kind="stable")
    partner = partner[order]
    degree = np.bincount(both, minlength=count)
    ends = np.cumsum(degree)
    taken = np.zeros(count, bool)
    paired = np.flatnonzero(degree)
    for position in paired[np.argsort(-degree[paired], kind="stable")].tolist():
        if taken[position]:
            continue
        members = partner[ends[position] - degree[position] : ends[position]]
        members = members[~taken[members]]
        centre[members] = position
        taken[members] = taken[position] = True
    return centre


def _without_copies(vectors: Packed) -> tuple[Positions, Pairs]:
    """The first of each set of identical vectors, and each other one paired with it."""
    positions = np.flatnonzero(vectors.complete)
    codes = vectors.codes.reshape(len(vectors), vectors.dimensions)
    hashes = np.zeros(len(vectors), np.uint64)
    factors = np.random.default_rng(1).integers(1, 2**63, codes.shape[1], dtype=np.uint64) | np.uint64(1)
    for start in range(0, len(codes), BLOCK):
        block = codes[start : start + BLOCK].astype(np.int64).astype(np.uint64)
        hashes[start : start + BLOCK] = (block * factors).sum(axis=1, dtype=np.uint64)
    _, places, number = np.unique(hashes[positions], return_index=True, return_inverse=True)
    original = positions[places][number]
    copied = original != positions
    return np.sort(positions[places]), Pairs(original[copied], positions[copied], np.zeros(0, np.float32))


Hits: TypeAlias = tuple[Positions, Positions, Floats]


def _search(vectors: Packed, kept: Positions, threshold: float) -> Iterator[Hits]:
    if len(kept) <= EXACT_ROWS:
        if len(kept):
            yield from _compare(vectors, kept, kept, threshold)
        return
    mean = vectors.rows(kept[:: max(1, len(kept) // SAMPLED)]).mean(axis=0)
    centroids = _centroids(vectors, kept, mean)
    probes = _probes(vectors, kept, mean, centroids, _probes_needed(vectors, kept, mean, centroids, threshold))
    home = np.argsort(probes[:, 0], kind="stable")
    home_ends = np.cumsum(np.bincount(probes[:, 0], minlength=len(centroids)))
    order = np.argsort(probes.ravel(), kind="stable")
    query_ends = np.cumsum(np.bincount(probes.ravel(), minlength=len(centroids)))
    for cluster in range(len(centroids)):
        members = kept[home[home_ends[cluster - 1] if cluster else 0 : home_ends[cluster]]]
        queries = order[query_ends[cluster - 1] if cluster else 0 : query_ends[cluster]] // probes.shape[1]
        if len(members):
            yield from _compare(vectors, kept[queries], members, threshold)


def _compare(vectors: Packed, queries: Positions, members: Positions, threshold: float) -> Iterator[Hits]:
    """Queries against members, all with all, a block at a time; (query, member, cosine) without a vector and itself."""
    for start in range(0, len(members), BLOCK):
        columns = members[start : start + BLOCK]
        against = vectors.rows(columns).T
        for begin in range(0, len(queries), BLOCK):
            rows = queries[begin : begin + BLOCK]
            similarities = vectors.rows(rows) @ against
            row, column = best_hits(similarities, np.float32(threshold), rows, columns, MOST_PARTNERS)
            yield rows[row], columns[column], similarities[row, column]


def _centroids(vectors: Packed, kept: Positions, mean: Floats) -> Floats:
    """Spherical k-means (Dhillon and Modha 2001) of what is left without the mean, on an even sample."""
    count = min(MOST_CLUSTERS, max(16, len(kept) // RECORDS_A_CLUSTER))
    step = max(1, len(kept) // (count * SAMPLED_A_CLUSTER))
    sample = _directions(vectors, kept[::step], mean)
    centroids = sample[:: max(1, len(sample) // count)][:count].copy()
    for _ in range(ROUNDS):
        total = np.zeros_like(centroids)
        for start in range(0, len(sample), BLOCK):
            block = sample[start : start + BLOCK]
            np.add.at(total, (block @ centroids.T).argmax(axis=1), block)
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        centroids = np.where(lengths > 0, total / np.maximum(lengths, 1e-9), centroids).astype(np.float32)
    return centroids


def _probes(vectors: Packed, kept: Positions, mean: Floats, centroids: Floats, wanted: int) -> Indices:
    """The nearest clusters of each vector, nearest first, shape [vectors, wanted]."""
    out = np.empty((len(kept), min(wanted, len(centroids))), np.int32)
    for start in range(0, len(kept), BLOCK):
        similarities = _directions(vectors, kept[start : start + BLOCK], mean) @ centroids.T
        nearest_columns(similarities, out[start : start + BLOCK])
    return out


def _probes_needed(vectors: Packed, kept: Positions, mean: Floats, centroids: Floats, threshold: float) -> int:
    """How many clusters each vector must be compared with, so that RECALL of the pairs of a sample are found."""
    sample = kept[:: max(1, len(kept) ** 2 // SAMPLE_PRODUCTS)]
    pairs = [hit[:2] for hit in _compare(vectors, sample, kept, threshold)]
    one, other = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    thinned = slice(None, None, max(1, len(one) // SAMPLED))
    one, other = one[thinned], other[thinned]
    ranks = []
    for start in range(0, len(one), BLOCK):
        mine = _directions(vectors, one[start : start + BLOCK], mean) @ centroids.T
        theirs = _directions(vectors, other[start : start + BLOCK], mean) @ centroids.T
        ranks.append(np.minimum(_ranks(mine, theirs.argmax(axis=1)), _ranks(theirs, mine.argmax(axis=1))))
    if not ranks:
        return FEWEST_PROBES
    found = np.concatenate(ranks)
    share = RECALL if len(found) >= FEW_PAIRS else 1.0
    return int(np.clip(np.quantile(found, share, method="higher") + 1, FEWEST_PROBES, MOST_PROBES))


def _ranks(similarities: Floats, columns: Positions) -> Positions:
    """How many columns of each row are larger than the one that is named."""
    values = np.take_along_axis(similarities, columns[:, None], axis=1)
    ranks: Positions = (similarities > values).sum(axis=1)
    return ranks


def _directions(vectors: Packed, positions: Positions, mean: Floats) -> Floats:
    """Where each vector lies from the mean: texts of one kind share most of their length, which tells none apart."""
    rows = vectors.rows(positions) - mean
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return rows
