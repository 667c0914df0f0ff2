"""A sketch of each text, a few hundred bytes by which similar texts find each other.

MinHash signatures after Broder (1997), folded into band keys (Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", section 3.4): two texts at Jaccard similarity s agree in at least one of the 20 keys with probability
1 - (1 - s^6)^20, which is 0.997 at 0.8. And the bottom-k sample of word 3-grams (Cohen and Kaplan 2007): texts of
which a fifth or a third of the words differ share no 5-grams to speak of, but several of these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .kernels import FNV_OFFSET, S32, compiled, mix, ngrams_of, words_of
from .texts import Texts, character_classes

NEAR_WORDS = 5
BANDS = 20
ROWS = 6
EDITED_WORDS = 3
SAMPLED = 16
FILTER_BITS = 1 << 16

_random = np.random.default_rng(20)
FACTORS = _random.integers(1, 2**32, BANDS * ROWS, dtype=np.uint32) | np.uint32(1)
ADDENDS = _random.integers(0, 2**32, BANDS * ROWS, dtype=np.uint32)


class Sketches(NamedTuple):
    """streams  uint64 [texts]: equal for texts of the same word characters; 0 without words
    bands    uint32 [texts, BANDS]: keys of the MinHash bands of word 5-grams
    sampled  uint32 [texts, SAMPLED]: the smallest hashes of word 3-grams, filled up with 0
    words    uint32 [texts]: how many words there are
    """

    streams: npt.NDArray[np.uint64]
    bands: npt.NDArray[np.uint32]
    sampled: npt.NDArray[np.uint32]
    words: npt.NDArray[np.uint32]


class LeftOut(NamedTuple):
    """n-grams that so many records share that they say nothing: sorted hashes of 5-grams and of 3-grams."""

    near: npt.NDArray[np.uint64]
    edited: npt.NDArray[np.uint64]


NOTHING_LEFT_OUT = LeftOut(np.zeros(0, np.uint64), np.zeros(0, np.uint64))


def sketch(texts: Texts, left_out: LeftOut = NOTHING_LEFT_OUT) -> Sketches:
    """One sketch a text. n-grams that are left out count only in a text that has no others."""
    count = len(texts)
    out = Sketches(
        np.zeros(count, np.uint64),
        np.zeros((count, BANDS), np.uint32),
        np.zeros((count, SAMPLED), np.uint32),
        np.zeros(count, np.uint32),
    )
    _sketch(
        texts.data, texts.offsets, character_classes(), texts.longest,
        left_out.near, _filter(left_out.near), left_out.edited, _filter(left_out.edited),
        FACTORS, ADDENDS, *out,
    )  # fmt: skip
    return out


def _filter(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Most n-grams are not left out, and one look here tells so."""
    table = np.zeros(FILTER_BITS, np.bool_)
    table[hashes & np.uint64(FILTER_BITS - 1)] = True
    return table


@compiled
def _without(values: Any, count: Any, hashes: Any, table: Any) -> Any:
    """values[:count] without those in `hashes`, in place; returns how many stay. All stay if none would."""
    kept = 0
    if len(hashes) == 0:
        return count
    for pass_ in range(2):
        kept = 0
        for position in range(count):
            value = values[position]
            if table[value & np.uint64(FILTER_BITS - 1)]:
                found = np.searchsorted(hashes, value)
                if found < len(hashes) and hashes[found] == value:
                    continue
            if pass_ == 1:
                values[kept] = value
            kept += 1
        if kept == 0:
            return count
    return kept


@compiled
def _sketch(
    data: Any,
    offsets: Any,
    classes: Any,
    longest: Any,
    near_out: Any,
    near_table: Any,
    edited_out: Any,
    edited_table: Any,
    factors: Any,
    addends: Any,
    streams: Any,
    bands: Any,
    sampled: Any,
    lengths: Any,
) -> Any:
    words = np.empty(longest + 1, np.uint64)
    grams = np.empty(longest + 1, np.uint64)
    lows = np.empty(longest + 1, np.uint32)
    signature = np.empty(BANDS * ROWS, np.uint32)
    for text in range(len(offsets) - 1):
        count, stream = words_of(data, offsets[text], offsets[text + 1], classes, words)
        lengths[text] = count
        if count == 0:
            continue
        streams[text] = stream
        total = _without(grams, ngrams_of(words, count, NEAR_WORDS, grams), near_out, near_table)
        for position in range(total):
            lows[position] = np.uint32(grams[position] >> S32)
        for row in range(BANDS * ROWS):  # row by row, so that the least hash stays in a register
            factor, addend, least = factors[row], addends[row], np.uint32(0xFFFFFFFF)
            for position in range(total):
                least = min(least, np.uint32(np.uint32(lows[position] ^ addend) * factor))
            signature[row] = least
        for band in range(BANDS):
            key = FNV_OFFSET
            for row in range(ROWS):
                key = mix(key ^ np.uint64(signature[band * ROWS + row]))
            bands[text, band] = np.uint32(key >> S32) | np.uint32(1)
        total = _without(grams, ngrams_of(words, count, EDITED_WORDS, grams), edited_out, edited_table)
        _smallest(grams, total, sampled[text])


@compiled
def _smallest(values: Any, count: Any, out: Any) -> Any:
    """The smallest distinct hashes (of their upper halves, never 0) into `out`, sorted."""
    kept = 0
    for position in range(count):
        value = np.uint32(values[position] >> S32) | np.uint32(1)
        if kept == len(out) and value >= out[kept - 1]:
            continue
        place = kept
        while place > 0 and out[place - 1] > value:
            place -= 1
        if place > 0 and out[place - 1] == value:
            continue
        last = min(kept, len(out) - 1)
        for move in range(last, place, -1):
            out[move] = out[move - 1]
        out[place] = value
        kept = min(kept + 1, len(out))
