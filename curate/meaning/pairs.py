"""Pairs of vectors whose cosine reaches a threshold, without comparing all with all.

An inverted file with several probes (Jégou, Douze, Schmid 2011, section IV; Sivic and Zisserman 2003): the vectors are
clustered, each has its home in the nearest cluster and is compared with the members of the nearest few: in blocks by
matrix multiplication of their heads, and by their whole codes where the heads allow that they are near. A pair is found
when either probes the home of the other. How many are probed depends on the data: a sample is compared with all
vectors, and so many are taken that RECALL of its pairs would be found. Up to EXACT_ROWS vectors all are compared with
all. Large groups give stars, not cliques: of identical vectors each is paired with the first only, and of a vector's
partners in one cluster only the MOST_PARTNERS nearest are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from .heads import SLACK, heads_of, telling_text
from .probing import best_hits, nearest_columns, row_hashes
from .threads import in_threads
from .vectors import Floats, Packed, Positions

Indices: TypeAlias = npt.NDArray[np.int32]

EXACT_ROWS = 4_096
RECALL, SURE_RECALL = 0.975, 0.95
"""Of the pairs of the sample; and of all pairs, at the lower end of the interval that the sample allows."""

NORMAL_QUANTILE = 1.645
"""The interval is one-sided, at 95 %."""

FEWEST_PROBES, MOST_PROBES = 3, 48
SAMPLE_PRODUCTS = 300_000_000
"""Dot products that are spent on the sample."""

RECORDS_A_CLUSTER = 256
MOST_CLUSTERS = 4_096
SAMPLED_A_CLUSTER = 16
SAMPLED = 20_000
ROUNDS = 3
BLOCK = 4_096
PRODUCTS_AT_ONCE = 1_048_576
"""Bounds that are held at a time in each thread: 4 MB, which the second level of a cache holds."""

MOST_PARTNERS = 64


class Pairs(NamedTuple):
    """Positions, first < second, sorted, each pair once; and the mean cosine of their texts, float32."""

    first: Positions
    second: Positions
    similarity: Floats


def similar_pairs(vectors: Packed, threshold: float) -> Pairs:
    """Nearly all pairs of which the cosine of every text reaches the threshold, among records that have all texts.

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
    hashes = row_hashes(vectors)
    _, places, number = np.unique(hashes[positions], return_index=True, return_inverse=True)
    original = positions[places][number]
    copied = original != positions
    return np.sort(positions[places]), Pairs(original[copied], positions[copied], np.zeros(0, np.float32))


Hits: TypeAlias = tuple[Positions, Positions, Floats]


@dataclass(frozen=True)
class _Searched:
    """What is searched.

    kept   positions of the vectors; a place is an index of it
    text   the one of their texts that tells them apart best
    heads  of that text, shape [kept, dimensions + 1]
    """

    vectors: Packed
    kept: Positions
    text: int
    heads: Floats
    threshold: float

    def compare(self, queries: Positions, members: Positions) -> Iterator[Hits]:
        """Places against places, all with all, a block at a time; positions of what is near, never one with itself."""
        for start in range(0, len(members), BLOCK):
            columns = members[start : start + BLOCK]
            against = self.heads[columns].T
            size = max(1, PRODUCTS_AT_ONCE // len(columns))
            for begin in range(0, len(queries), size):
                rows = queries[begin : begin + size]
                bounds = self.heads[rows] @ against
                yield best_hits(
                    bounds, self.vectors, self.kept[rows], self.kept[columns], self.threshold, SLACK, MOST_PARTNERS
                )

    def directions(self, places: Positions | slice, mean: Floats) -> Floats:
        """Where each vector lies from the mean: texts of one kind share most of their length, which tells none apart.

        Of the text that tells the records apart best.
        """
        rows = self.vectors.text_rows(self.kept[places], self.text) - mean
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
        return rows


def _search(vectors: Packed, kept: Positions, threshold: float) -> Iterator[Hits]:
    if not len(kept):
        return
    text = telling_text(vectors, kept)
    searched = _Searched(vectors, kept, text, heads_of(vectors, kept, text), threshold)
    everything = np.arange(len(kept))
    if len(kept) <= EXACT_ROWS:
        yield from searched.compare(everything, everything)
        return
    mean = vectors.text_rows(kept[:: max(1, len(kept) // SAMPLED)], text).mean(axis=0)
    centroids = _centroids(searched, mean)
    probes = _probes(searched, mean, centroids, _probes_needed(searched, mean, centroids))
    members, queries = _by_cluster(probes[:, 0], len(centroids)), _by_cluster(probes.ravel(), len(centroids))

    def compare(cluster: int) -> list[Hits]:
        return list(searched.compare(queries(cluster) // probes.shape[1], members(cluster)))

    for hits in in_threads(compare, range(len(centroids))):
        yield from hits


def _by_cluster(clusters: Indices, count: int) -> Callable[[int], Positions]:
    """What tells the indices that a cluster stands at, in their order."""
    order = np.argsort(clusters, kind="stable")
    ends = np.cumsum(np.bincount(clusters, minlength=count))
    return lambda cluster: order[ends[cluster - 1] if cluster else 0 : ends[cluster]]


def _centroids(searched: _Searched, mean: Floats) -> Floats:
    """Spherical k-means (Dhillon and Modha 2001) of what is left without the mean, on an even sample."""
    size = len(searched.kept)
    count = min(MOST_CLUSTERS, max(16, size // RECORDS_A_CLUSTER))
    sample = searched.directions(slice(None, None, max(1, size // (count * SAMPLED_A_CLUSTER))), mean)
    centroids = sample[:: max(1, len(sample) // count)][:count].copy()
    blocks = [sample[start : start + BLOCK] for start in range(0, len(sample), BLOCK)]
    for _ in range(ROUNDS):
        total = np.zeros_like(centroids)
        homes = in_threads(lambda block: (block @ centroids.T).argmax(axis=1), blocks)  # noqa: B023 - within the round
        for home, block in zip(homes, blocks, strict=True):
            np.add.at(total, home, block)
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        centroids = np.where(lengths > 0, total / np.maximum(lengths, 1e-9), centroids).astype(np.float32)
    return centroids


def _probes(searched: _Searched, mean: Floats, centroids: Floats, wanted: int) -> Indices:
    """The nearest clusters of each vector, nearest first, shape [vectors, wanted]."""
    out = np.empty((len(searched.kept), min(wanted, len(centroids))), np.int32)

    def fill(start: int) -> None:
        part = slice(start, start + BLOCK)
        nearest_columns(searched.directions(part, mean) @ centroids.T, out[part])

    for _ in in_threads(fill, range(0, len(out), BLOCK)):
        pass
    return out


def _probes_needed(searched: _Searched, mean: Floats, centroids: Floats) -> int:
    """How many clusters each vector must be compared with, so that RECALL of the pairs of a sample are found."""
    everything = np.arange(len(searched.kept))
    size = max(1, min(len(everything), SAMPLE_PRODUCTS // len(everything)))
    sample = np.sort(np.random.default_rng(0).choice(len(everything), size, replace=False))
    blocks = [everything[start : start + BLOCK] for start in range(0, len(everything), BLOCK)]
    pairs = chain.from_iterable(in_threads(lambda block: list(searched.compare(sample, block)), blocks))
    first, second, _ = zip(*pairs, strict=True)
    one, other = (np.searchsorted(searched.kept, np.concatenate(side)) for side in (first, second))
    thinned = slice(None, None, max(1, len(one) // SAMPLED))
    one, other = one[thinned], other[thinned]
    ranks = []
    for start in range(0, len(one), BLOCK):
        mine = searched.directions(one[start : start + BLOCK], mean) @ centroids.T
        theirs = searched.directions(other[start : start + BLOCK], mean) @ centroids.T
        ranks.append(np.minimum(_ranks(mine, theirs.argmax(axis=1)), _ranks(theirs, mine.argmax(axis=1))))
    if not ranks:
        return FEWEST_PROBES
    return int(np.clip(_enough(np.concatenate(ranks)), FEWEST_PROBES, MOST_PROBES))


def _enough(ranks: Positions) -> int:
    """The fewest probes that find RECALL of a sample's pairs and surely SURE_RECALL of all; where a sample is too small
    to be sure, those that find all of its pairs.

    ranks  of each pair of the sample how many clusters are nearer than the one where it is found

    The lower bound is Wilson's (1927, "Probable inference, the law of succession, and statistical inference").
    """
    count, probes = len(ranks), np.arange(1, int(ranks.max()) + 2)
    share = np.searchsorted(np.sort(ranks), probes) / count
    spread = NORMAL_QUANTILE**2 / count
    lower = (share + spread / 2 - np.sqrt(spread * (share * (1 - share) + spread / 4))) / (1 + spread)
    enough = (share >= RECALL) & (lower >= SURE_RECALL)
    return int(probes[np.argmax(enough)] if enough.any() else probes[-1])


def _ranks(similarities: Floats, columns: Positions) -> Positions:
    """How many columns of each row are larger than the one that is named."""
    values = np.take_along_axis(similarities, columns[:, None], axis=1)
    ranks: Positions = (similarities > values).sum(axis=1)
    return ranks
