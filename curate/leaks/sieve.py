"""Nearly all texts share nothing with an evaluation suite, and a cheap look at their words tells so.

What the look passes over is in no item; what it keeps may be in one, and `index.py` decides. Three things make it
cheap. Words are hashed without a branch a character, by rotation and exclusive or (Cohen 1997, "Recursive hashing
functions for n-grams"). A text can only be an item where it has the same characters, whatever their order. And of the
n-grams not all are looked up: where four words on end stand in no item, no n-gram that holds them does, and the next
to look at begins after them (Wu and Manber 1994, "A fast algorithm for multi-pattern searching", with words in place
of characters).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..ngrams.kernels import GOLDEN, MIX_1, S32, compiled, mix
from ..ngrams.texts import Texts, character_classes

NGRAM_WORDS = 8

BLOCK_WORDS = 4
"""Words that are looked up first. In fewer, ordinary English stands in every large suite."""

NOWHERE = -1
"""In place of the word from which on a text may share an n-gram with an item: from none."""

BITS_EACH = 24
FEWEST_BITS, MOST_BITS = 16, 28
"""Powers of two of the bits of a table: from 8 kB, which stay in the first cache, to 32 MB."""

Hashes = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.uint8]


class Suspects(NamedTuple):
    """ngram  the first word of the first n-gram that an item may have too, or NOWHERE; int64, shape [texts]
    whole  whether an item may have the same word characters; bool, shape [texts]
    """

    ngram: npt.NDArray[np.int64]
    whole: npt.NDArray[np.bool_]


class Sieve(NamedTuple):
    """What stands in some item, as bits at the two places that the halves of a hash name (Bloom 1970).

    wholes  sums over the word characters of whole items
    blocks  BLOCK_WORDS on end, of the n-grams that count
    ngrams  NGRAM_WORDS on end, of those that count
    """

    wholes: Bits
    blocks: Bits
    ngrams: Bits

    @classmethod
    def of(cls, items: Texts, item: npt.NDArray[np.int64], place: npt.NDArray[np.int64]) -> Sieve:
        """items: all texts; n-gram i that counts begins at word place[i] of text item[i]."""
        words, offsets, sums = _words_of_texts(items.data, items.offsets, character_classes(), *_ascii_tables())
        first = offsets[item] + place
        counts = np.zeros(len(words), np.bool_)
        for step in range(NGRAM_WORDS - BLOCK_WORDS + 1):
            counts[first + step] = True
        blocks = np.flatnonzero(counts)
        return cls(_bits(sums), _bits(_runs(words, blocks, BLOCK_WORDS)), _bits(_runs(words, first, NGRAM_WORDS)))

    def suspects(self, texts: Texts) -> Suspects:
        found = Suspects(np.full(len(texts), NOWHERE, np.int64), np.zeros(len(texts), np.bool_))
        _sift(texts.data, texts.offsets, texts.longest, character_classes(), *_ascii_tables(), *self, *found)
        return found


@cache
def _ascii_tables() -> tuple[Hashes, Hashes]:
    """Of each ASCII character what it adds to the hash of its word, capitals as small letters, and all bits; 0 and 0
    for what is part of no word. Both of shape [128].
    """
    classes = character_classes()[:128]
    values = np.array([_value(np.uint64(ord(chr(code).lower()))) for code in range(128)], np.uint64)
    return np.where(classes, values, np.uint64(0)), np.where(classes, ~np.uint64(0), np.uint64(0))


def _bits(hashes: Hashes) -> Bits:
    exponent = int(np.ceil(np.log2(max(1, BITS_EACH * len(hashes)))))
    bits = np.zeros(1 << min(MOST_BITS, max(FEWEST_BITS, exponent)), np.bool_)
    for half in (hashes, hashes >> S32):
        bits[half & np.uint64(len(bits) - 1)] = True
    return np.packbits(bits, bitorder="little")


@compiled
def _runs(words: Any, starts: Any, count: Any) -> Any:
    out = np.empty(len(starts), np.uint64)
    for number in range(len(starts)):
        out[number] = _run(words, starts[number], count)
    return out


@compiled
def _run(words: Any, first: Any, count: Any) -> Any:
    """The hash of `count` words on end."""
    value = np.uint64(0)
    for position in range(first, first + count):
        value = value * MIX_1 + words[position]
    return mix(value)


@compiled
def _value(code: Any) -> Any:
    """What a character adds to the hash of its word."""
    return mix(code + GOLDEN)


@compiled
def _holds(bits: Any, value: Any) -> Any:
    return _bit(bits, value) and _bit(bits, value >> S32)


@compiled
def _bit(bits: Any, value: Any) -> Any:
    place = value & np.uint64(8 * len(bits) - 1)
    return (bits[place >> np.uint64(3)] >> np.uint8(place & np.uint64(7))) & np.uint8(1) != 0


@compiled
def _beyond_ascii(text: Any, position: Any) -> Any:
    """The code point that begins at this byte, and how many bytes it has."""
    code = np.uint32(text[position])
    if code < 0xE0:
        return ((code & np.uint32(0x1F)) << np.uint32(6)) | np.uint32(text[position + 1] & 0x3F), 2
    code = ((code & np.uint32(0x0F)) << np.uint32(12)) | (np.uint32(text[position + 1] & 0x3F) << np.uint32(6))
    code |= np.uint32(text[position + 2] & 0x3F)
    if text[position] < 0xF0:
        return code, 3
    return ((code << np.uint32(6)) | np.uint32(text[position + 3] & 0x3F)) & np.uint32(0x1FFFFF), 4


@compiled
def _words_of(text: Any, classes: Any, values: Any, keeps: Any, out: Any) -> Any:
    """Hashes of the words of a text into `out`, which has a place more than the text bytes; returns how many, and the
    sum over all their characters.

    The words are those of `ngrams.kernels.words_of`, in the same order.
    """
    word, total, before = np.uint64(0), np.uint64(0), np.uint64(0)
    count = np.uint32(0)
    position = 0
    while position < len(text):
        byte = text[position]
        if byte < 0x80:
            value, keep = values[byte], keeps[byte]
            width, alone = 1, False
        else:
            code, width = _beyond_ascii(text, position)
            kind = classes[code]
            alone = kind == 2
            value = _value(np.uint64(code)) if kind else np.uint64(0)
            keep = ~np.uint64(0) if kind == 1 else np.uint64(0)
        out[count] = word
        count += np.uint32(before & ~keep & np.uint64(1))
        if alone:
            out[count] = value
            count += np.uint32(1)
        word = (((word << np.uint64(9)) | (word >> np.uint64(55))) ^ value) & keep
        before = keep
        total += value
        position += width
    out[count] = word
    count += np.uint32(before & np.uint64(1))
    return np.int64(count), total


@compiled
def _words_of_texts(data: Any, offsets: Any, classes: Any, values: Any, keeps: Any) -> Any:
    """Word hashes of all texts, [texts + 1] offsets into them, and the sum of each."""
    texts = len(offsets) - 1
    out = np.empty(len(data) + 1, np.uint64)
    ends = np.zeros(texts + 1, np.int64)
    sums = np.zeros(texts, np.uint64)
    for text in range(texts):
        own = data[offsets[text] : offsets[text + 1]]
        count, sums[text] = _words_of(own, classes, values, keeps, out[ends[text] :])
        ends[text + 1] = ends[text] + count
    return out[: ends[texts]].copy(), ends, sums


@compiled
def _sift(
    data: Any,
    offsets: Any,
    longest: Any,
    classes: Any,
    values: Any,
    keeps: Any,
    wholes: Any,
    blocks: Any,
    ngrams: Any,
    ngram: Any,
    whole: Any,
) -> None:
    words = np.empty(longest + 1, np.uint64)
    for text in range(len(offsets) - 1):
        own = data[offsets[text] : offsets[text + 1]]
        count, total = _words_of(own, classes, values, keeps, words)
        whole[text] = _holds(wholes, total)
        first = 0
        while first + NGRAM_WORDS <= count:
            if not _holds(blocks, _run(words, first + NGRAM_WORDS - BLOCK_WORDS, BLOCK_WORDS)):
                first += NGRAM_WORDS - BLOCK_WORDS + 1
                continue
            if _holds(ngrams, _run(words, first, NGRAM_WORDS)):
                ngram[text] = first
                break
            first += 1
