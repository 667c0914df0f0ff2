"""Near duplicates: MinHash bands propose pairs, exact Jaccard similarity of word shingles decides.

MinHash after Broder (1997), banding after Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets",
section 3.4. With 20 bands of 6 rows a pair at Jaccard 0.8 is proposed with probability 0.997; every pair is
verified, so that precision does not depend on the bands.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.families import UnionFind
from assay.text import words

Hashes: TypeAlias = npt.NDArray[np.uint64]

SHINGLE_WORDS = 5
BANDS = 20
ROWS = 6
ALL_PAIRS_BUCKET = 12
"""Buckets up to this size have all their pairs verified; larger ones are verified around centres."""

MAX_CENTRES = 16
_CHUNK_SHINGLES = 1 << 17
_BATCH_TEXTS = 1024
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


class Edge(NamedTuple):
    """Two texts by their positions, first < second, and the Jaccard similarity of their shingles."""

    first: int
    second: int
    similarity: float


class Shingles:
    """The sorted distinct shingle hashes of each text, in one array.

    A text with fewer words than a shingle has one shingle, all its words; a text without words has none.
    """

    def __init__(self, texts: Iterable[str], size: int = SHINGLE_WORDS) -> None:
        vocabulary = _Vocabulary()
        values, counts = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for batch in _batches(texts, _BATCH_TEXTS):
            ids = [[vocabulary[word] for word in words(text)] for text in batch]
            batch_values, batch_counts = _shingles(ids, size)
            values.append(batch_values)
            counts.append(batch_counts)
        self.values: Hashes = np.concatenate(values)
        self.offsets = np.concatenate(([0], np.cumsum(np.concatenate(counts))))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def leave_out(self, hashes: Hashes) -> None:
        """Takes away shingles by their hashes, and from no text all that it has."""
        if not len(hashes):
            return
        own = ~np.isin(self.values, hashes)
        owner = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        kept = own | (np.bincount(owner, own, minlength=len(self)) == 0)[owner]
        self.values = self.values[kept]
        self.offsets = np.concatenate(([0], np.cumsum(np.bincount(owner[kept], minlength=len(self)))))

    def shared(self, most: int) -> Hashes:
        """The hashes that stand in more than `most` texts."""
        distinct, counts = np.unique(self.values, return_counts=True)
        return distinct[counts > most]

    def of(self, index: int) -> Hashes:
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def similarity(self, first: int, second: int) -> float:
        """Exact Jaccard similarity; 0.0 for a text without words."""
        a, b = self.of(first), self.of(second)
        if not len(a) or not len(b):
            return 0.0
        merged = np.concatenate((a, b))
        merged.sort()
        common = int(np.count_nonzero(merged[1:] == merged[:-1]))
        return common / (len(a) + len(b) - common)


def near_pairs(
    shingles: Shingles,
    threshold: float,
    keys: Sequence[Hashable] | None = None,
    accept: Callable[[Edge], bool] | None = None,
) -> list[Edge]:
    """Verified pairs that tie together all texts whose similarity reaches the threshold.

    keys    one a text; only texts with equal keys are paired
    accept  a last look at a pair that reaches the threshold

    A tree for each cluster rather than every pair of it: the pairs of a large cluster grow with its square.
    """
    union: UnionFind[int] = UnionFind()
    edges: list[Edge] = []
    lengths = np.diff(shingles.offsets)

    def verify(first: int, second: int) -> bool:
        if union.find(first) == union.find(second):
            return True
        if keys is not None and keys[first] != keys[second]:
            return False
        short, long = sorted((int(lengths[first]), int(lengths[second])))
        if short < threshold * long:
            return False
        similarity = shingles.similarity(first, second)
        edge = Edge(min(first, second), max(first, second), similarity)
        if similarity < threshold or not (accept is None or accept(edge)):
            return False
        union.join(first, second)
        edges.append(edge)
        return True

    for bucket in _buckets(_signatures(shingles), lengths):
        if len(bucket) <= ALL_PAIRS_BUCKET:
            for position, first in enumerate(bucket):
                for second in bucket[position + 1 :]:
                    verify(first, second)
        else:
            _around_centres(bucket, verify)
    return edges


def _around_centres(bucket: Sequence[int], verify: Callable[[int, int], bool]) -> None:
    rest = list(bucket)
    for _ in range(MAX_CENTRES):
        if len(rest) < 2:
            return
        centre = rest[0]
        rest = [other for other in rest[1:] if not verify(centre, other)]


def _signatures(shingles: Shingles) -> npt.NDArray[np.uint32]:
    """MinHash signatures, shape [texts, BANDS * ROWS]; texts without shingles get the largest value."""
    count = BANDS * ROWS
    random = np.random.default_rng(20)
    factors = random.integers(1, 2**63, count, dtype=np.uint64) | np.uint64(1)
    addends = random.integers(0, 2**63, count, dtype=np.uint64)
    out = np.full((len(shingles), count), np.iinfo(np.uint32).max, dtype=np.uint32)
    filled = np.flatnonzero(np.diff(shingles.offsets))
    for rows in _row_chunks(filled, shingles.offsets):
        start, end = shingles.offsets[rows[0]], shingles.offsets[rows[-1] + 1]
        values = shingles.values[start:end]
        starts = shingles.offsets[rows] - start
        for column in range(count):
            hashed = ((values * factors[column] + addends[column]) >> np.uint64(32)).astype(np.uint32)
            out[rows, column] = np.minimum.reduceat(hashed, starts)
    return out


def _row_chunks(rows: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Runs of rows with about _CHUNK_SHINGLES shingles each, so that the work stays in the cache."""
    if not len(rows):
        return
    chunk = offsets[rows] // _CHUNK_SHINGLES
    yield from np.split(rows, np.flatnonzero(np.diff(chunk)) + 1)


def _buckets(signatures: npt.NDArray[np.uint32], lengths: npt.NDArray[np.int64]) -> Iterator[list[int]]:
    """Texts that agree in all rows of a band, for each band; in ascending order."""
    filled = np.flatnonzero(lengths)
    for band in range(BANDS):
        keys = np.zeros(len(filled), dtype=np.uint64)
        for row in range(ROWS):
            keys = _mix(keys ^ signatures[filled, band * ROWS + row].astype(np.uint64))
        order = np.lexsort((filled, keys))
        ordered = keys[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        ends = np.concatenate((starts[1:], [len(ordered)]))
        for position in np.flatnonzero(ends - starts > 1):
            yield filled[order[starts[position] : ends[position]]].tolist()


def _batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(texts)
    while batch := list(islice(rest, size)):
        yield batch


class _Vocabulary(dict[str, int]):
    """The 64-bit hash of each word, computed once; the same on every machine, unlike `hash`."""

    def __missing__(self, word: str) -> int:
        data = word.encode("utf-8", "surrogatepass")
        self[word] = found = zlib.crc32(data) | zlib.crc32(data, 0x9E3779B9) << 32
        return found


def _shingles(texts: Sequence[Sequence[int]], size: int) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """The distinct shingles of several texts, sorted within each, and how many each has.

    A text of fewer than `size` words is filled up with zeros, so that it equals only the same words.
    """
    padded = [text if len(text) >= size or not text else [*text, *([0] * (size - len(text)))] for text in texts]
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    ids = np.fromiter(chain.from_iterable(padded), dtype=np.uint64, count=int(lengths.sum()))
    if not len(ids):
        return np.zeros(0, np.uint64), np.zeros(len(texts), np.int64)
    owner = np.repeat(np.arange(len(texts)), lengths)
    last = len(ids) - size + 1
    mixed = np.zeros(last, dtype=np.uint64)
    for offset in range(size):
        mixed = _mix(mixed + ids[offset : last + offset])
    inside = owner[:last] == owner[size - 1 :]
    mixed, owner = mixed[inside], owner[:last][inside]
    order = np.lexsort((mixed, owner))
    mixed, owner = mixed[order], owner[order]
    distinct = np.concatenate(([True], (mixed[1:] != mixed[:-1]) | (owner[1:] != owner[:-1])))
    return mixed[distinct], np.bincount(owner[distinct], minlength=len(texts))


def _mix(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))
