"""Candidates for edited copies: records that have several rare word 3-grams in common.

An inverted join over a bottom-k sample of each record's 3-grams (Cohen and Kaplan 2007, "Summarizing data using
bottom-k sketches"); a 3-gram in many records says nothing and is passed over. Of a copy with 30 % of its words
changed a third of the 3-grams are left, so that of 16 sampled about five are shared.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .clusters import Positions

FEWEST_WORDS = 12
"""In shorter texts an edited copy cannot be told from another text."""

VERIFIED_WORDS = 2

RARE = 48
"""A 3-gram in more records than this is not rare."""

ALL_PAIRS, NEIGHBOURS = 6, 2
"""Records that share a 3-gram are all paired where they are so few; of more, each with so many that follow it: the
members of a large family of copies meet again under other 3-grams, and strangers do not."""

FEWEST_SHARED = 2

BLOCK_ROWS = 1 << 16

PARTITIONS = 16
"""Joined one after the other, so that the join takes a sixteenth of the memory."""


def candidates(sampled: npt.NDArray[np.uint32], positions: Positions) -> tuple[Positions, Positions]:
    """Pairs of positions, first < second, with FEWEST_SHARED rare hashes in common; in ascending order.

    sampled  shape [records, SAMPLED]; 0 is no hash
    """
    codes = [_joined(sampled, positions, partition) for partition in range(PARTITIONS)]
    pairs = np.concatenate([_frequent(codes, partition) for partition in range(PARTITIONS)])
    pairs.sort()
    first, second = np.divmod(pairs, len(positions)) if len(positions) else (pairs, pairs)
    return positions[first], positions[second]


def _frequent(codes: list[npt.NDArray[np.int64]], partition: int) -> npt.NDArray[np.int64]:
    """The codes of one partition that stand there FEWEST_SHARED times."""
    own = np.concatenate([part[part % PARTITIONS == partition] for part in codes])
    values, counts = np.unique(own, return_counts=True)
    return values[counts >= FEWEST_SHARED]


def _entries(sampled: npt.NDArray[np.uint32], positions: Positions, partition: int) -> npt.NDArray[np.uint64]:
    """hash and row as one number, for each hash of the partition; in blocks, so that no copy of the sample is made."""
    found = [np.zeros(0, np.uint64)]
    for start in range(0, len(positions), BLOCK_ROWS):
        block = sampled[positions[start : start + BLOCK_ROWS]]
        # The lowest bit of a hash is always set, and the highest ones are small in a sample of the smallest.
        rows, places = np.nonzero(((block >> np.uint32(1)) % np.uint32(PARTITIONS) == partition) & (block != 0))
        found.append((block[rows, places].astype(np.uint64) << np.uint64(32)) | (rows + start).astype(np.uint64))
    return np.concatenate(found)


def _joined(sampled: npt.NDArray[np.uint32], positions: Positions, partition: int) -> npt.NDArray[np.int64]:
    """first * rows + second for pairs of rows and each rare hash that both have; rows are places in `positions`."""
    both = _entries(sampled, positions, partition)
    both.sort()  # by hash, and within a hash by row
    rows, hashes = (both & np.uint64(0xFFFFFFFF)).astype(np.int64), both >> np.uint64(32)
    starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1]))) if len(hashes) else np.zeros(0, int)
    sizes = np.diff(np.append(starts, len(hashes)))
    size_of = np.repeat(sizes, sizes)
    rare = (size_of <= RARE) & (size_of > 1)
    rows, hashes, size_of = rows[rare], hashes[rare], size_of[rare]
    found = [np.zeros(0, np.int64)]
    for step in range(1, min(ALL_PAIRS, len(rows))):
        pair = hashes[step:] == hashes[:-step]
        if step > NEIGHBOURS:
            pair &= size_of[step:] <= ALL_PAIRS
        found.append(rows[:-step][pair] * len(positions) + rows[step:][pair])
    return np.concatenate(found)
