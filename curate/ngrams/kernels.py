"""Words, their hashes and n-grams, compiled: what would be the bottleneck in Python runs at memory speed.

Every kernel takes `Texts` as two arrays and the table of character classes. A word is hashed with FNV-1a over its
code points (Fowler, Noll, Vo) and mixed with the finaliser of SplitMix64 (Steele, Lea, Flood 2014); n-grams are
hashed over the hashes of their words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])

    def compiled(function: Function) -> Function: ...

else:
    from numba import njit

    compiled = njit(cache=True, nogil=True)

FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
S27, S30, S31, S32, S33 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32), np.uint64(33)


@compiled
def mix(value: Any) -> Any:
    """The finaliser of SplitMix64: every bit of the result depends on every bit of the value."""
    value ^= value >> S30
    value *= MIX_1
    value ^= value >> S27
    value *= MIX_2
    return value ^ (value >> S31)


@compiled
def words_of(data: Any, start: Any, end: Any, classes: Any, out: Any) -> Any:
    """Hashes of the words of data[start:end] into `out`; returns how many, and the hash of all their characters.

    The second ignores where words begin and end, so that it is equal for "it's" and "its".
    """
    count = 0
    stream = FNV_OFFSET
    word = FNV_OFFSET
    inside = False
    position = start
    while position < end:
        code = np.uint32(data[position])
        position += 1
        if code < 0x80:
            if 65 <= code <= 90:
                code += np.uint32(32)
        elif code < 0xE0:
            code = ((code & np.uint32(0x1F)) << np.uint32(6)) | np.uint32(data[position] & 0x3F)
            position += 1
        elif code < 0xF0:
            code = (
                ((code & np.uint32(0x0F)) << np.uint32(12))
                | (np.uint32(data[position] & 0x3F) << np.uint32(6))
                | np.uint32(data[position + 1] & 0x3F)
            )
            position += 2
        else:
            code = (
                ((code & np.uint32(0x07)) << np.uint32(18))
                | (np.uint32(data[position] & 0x3F) << np.uint32(12))
                | (np.uint32(data[position + 1] & 0x3F) << np.uint32(6))
                | np.uint32(data[position + 2] & 0x3F)
            )
            position += 3
        kind = classes[code]
        if kind == 1:
            word = (word ^ np.uint64(code)) * FNV_PRIME
            stream = (stream ^ np.uint64(code)) * FNV_PRIME
            inside = True
            continue
        if inside:
            out[count] = mix(word)
            count += 1
            word = FNV_OFFSET
            inside = False
        if kind == 2:
            out[count] = mix((FNV_OFFSET ^ np.uint64(code)) * FNV_PRIME)
            count += 1
            stream = (stream ^ np.uint64(code)) * FNV_PRIME
    if inside:
        out[count] = mix(word)
        count += 1
    return count, mix(stream)


@compiled
def ngrams_of(words: Any, count: Any, size: Any, out: Any) -> Any:
    """Hashes of the n-grams of words[:count] into `out`; returns how many.

    A text shorter than an n-gram has one, all its words; a text without words has none.
    """
    if count == 0:
        return 0
    total = max(1, count - size + 1)
    for first in range(total):
        value = np.uint64(0)
        for position in range(size):
            own = words[first + position] if first + position < count else np.uint64(0)
            value = (value ^ own) * MIX_1
            value ^= value >> S32
        out[first] = mix(value + GOLDEN)
    return total


@compiled
def words_of_texts(data: Any, offsets: Any, classes: Any) -> Any:
    """Word hashes of all texts, and [texts + 1] offsets into them."""
    texts = len(offsets) - 1
    out = np.empty(len(data) + 1, np.uint64)
    ends = np.zeros(texts + 1, np.int64)
    for text in range(texts):
        count, _ = words_of(data, offsets[text], offsets[text + 1], classes, out[ends[text] :])
        ends[text + 1] = ends[text] + count
    return out[: ends[texts]].copy(), ends


@compiled
def streams_of_texts(data: Any, offsets: Any, classes: Any, longest: Any) -> Any:
    """Of each text the hash of its word characters, shape [texts]; 0 for a text without words."""
    texts = len(offsets) - 1
    words = np.empty(longest + 1, np.uint64)
    out = np.zeros(texts, np.uint64)
    for text in range(texts):
        count, stream = words_of(data, offsets[text], offsets[text + 1], classes, words)
        if count:
            out[text] = stream
    return out


@compiled
def ngrams_of_texts(data: Any, offsets: Any, classes: Any, longest: Any, size: Any) -> Any:
    """The distinct n-grams of each text, sorted, in one array, and [texts + 1] offsets into it."""
    texts = len(offsets) - 1
    words = np.empty(longest + 1, np.uint64)
    own = np.empty(longest + 1, np.uint64)
    out = np.empty(max(1024, len(data) // 4), np.uint64)
    ends = np.zeros(texts + 1, np.int64)
    for text in range(texts):
        count, _ = words_of(data, offsets[text], offsets[text + 1], classes, words)
        total = ngrams_of(words, count, size, own)
        start = ends[text]
        while start + total > len(out):
            wider = np.empty(2 * len(out), np.uint64)
            wider[:start] = out[:start]
            out = wider
        ordered = np.sort(own[:total])
        kept = 0
        for position in range(total):
            if position == 0 or ordered[position] != ordered[position - 1]:
                out[start + kept] = ordered[position]
                kept += 1
        ends[text + 1] = start + kept
    return out[: ends[texts]].copy(), ends


@compiled
def common_share(values: Any, starts: Any, ends: Any, first: Any, second: Any) -> Any:
    """Jaccard similarity of the sorted sets values[starts[i]:ends[i]] of each pair, shape [pairs]."""
    out = np.zeros(len(first), np.float64)
    for pair in range(len(first)):
        a, a_end = starts[first[pair]], ends[first[pair]]
        b, b_end = starts[second[pair]], ends[second[pair]]
        total = (a_end - a) + (b_end - b)
        common = 0
        while a < a_end and b < b_end:
            if values[a] == values[b]:
                common += 1
                a += 1
                b += 1
            elif values[a] < values[b]:
                a += 1
            else:
                b += 1
        if common:
            out[pair] = common / (total - common)
    return out
