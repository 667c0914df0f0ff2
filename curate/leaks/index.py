"""Which records may hold an item of an evaluation suite: the words of those that `sieve.py` leaves, compiled.

An item is recognised by the hash of all its word characters, whatever its case and punctuation, and by word 8-grams
(as Llama 2, arXiv 2307.09288, appendix A.6, and GPT-3 with 13, arXiv 2005.14165, appendix C). An n-gram that several
items share belongs to their template and says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..ngrams.kernels import MIX_1, compiled, mix, streams_of_texts, words_of, words_of_texts
from ..ngrams.texts import Texts, buffer, character_classes
from .sieve import NGRAM_WORDS, NOWHERE, Sieve

if TYPE_CHECKING:
    from assay.suites import EvaluationText


TEMPLATE_ITEMS, TEMPLATE_SHARE = 2, 0.02
"""An n-gram that more items of a suite share than either belongs to the template of the suite."""

SAME_WORDS, SHARED_NGRAM = 1, 2
"""Flags of a text: it has the very words of an item; it shares an n-gram with one."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class LeakIndex:
    """streams   sorted hashes of the word characters of whole items; 0 where an item has no words
    ngrams    sorted hashes; item and place say in which item, and from which of its words on, each stands
    lengths   words of each item
    sieve     tells most texts that are none of this
    """

    streams: Hashes
    ngrams: Hashes
    item: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    sieve: Sieve

    @classmethod
    def of(cls, items: Sequence[EvaluationText]) -> LeakIndex:
        given = buffer([item.text for item in items])
        classes = character_classes()
        words, offsets = words_of_texts(given.data, given.offsets, classes)
        streams = np.unique(streams_of_texts(given.data, given.offsets, classes, given.longest))
        hashes, item, place = _ngrams(words, offsets)
        kept = ~np.isin(hashes, _template_ngrams(hashes, item, [text.suite for text in items]))
        order = np.argsort(hashes[kept], kind="stable")
        hashes, item, place = hashes[kept][order], item[kept][order], place[kept][order]
        return cls(streams, hashes, item, place, np.diff(offsets), Sieve.of(given, item, place))

    def flags(self, texts: Texts) -> npt.NDArray[np.uint8]:
        """SAME_WORDS and SHARED_NGRAM of each text; shape [texts]."""
        found = self.sieve.suspects(texts)
        suspects = np.flatnonzero(found.whole | (found.ngram != NOWHERE))
        flags: npt.NDArray[np.uint8] = _flags(
            texts.data, texts.offsets, character_classes(), texts.longest,
            self.streams, self.ngrams, suspects, found.ngram, found.whole,
        )  # fmt: skip
        return flags


def _ngrams(
    words: Hashes, offsets: npt.NDArray[np.int64]
) -> tuple[Hashes, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    hashes, item, place = [], [], []
    for index in range(len(offsets) - 1):
        own: Hashes = rolling(words[offsets[index] : offsets[index + 1]])
        hashes.append(own)
        item.append(np.full(len(own), index))
        place.append(np.arange(len(own)))
    return (
        np.concatenate([np.zeros(0, np.uint64), *hashes]),
        np.concatenate([np.zeros(0, int), *item]),
        np.concatenate([np.zeros(0, int), *place]),
    )


def _template_ngrams(hashes: Hashes, item: npt.NDArray[np.int64], suites: Sequence[str]) -> Hashes:
    """Those that stand in more items of one suite than its template may have."""
    names = sorted(set(suites))
    suite_of = np.array([names.index(name) for name in suites], np.int64)
    sizes = Counter(suites)
    most = np.array([max(TEMPLATE_ITEMS, round(TEMPLATE_SHARE * sizes[name])) for name in names])
    found = [np.zeros(0, np.uint64)]
    for suite in range(len(names)):
        own = suite_of[item] == suite
        once = np.unique(np.stack([hashes[own], item[own].astype(np.uint64)]), axis=1)[0]
        distinct, counts = np.unique(once, return_counts=True)
        found.append(distinct[counts > most[suite]])
    return np.concatenate(found)


@compiled
def rolling(words: Any) -> Any:
    """Hashes of the NGRAM_WORDS-grams of some words, in order; none where there are fewer."""
    count = max(0, len(words) - NGRAM_WORDS + 1)
    out = np.empty(count, np.uint64)
    power = np.uint64(1)
    for _ in range(NGRAM_WORDS):
        power *= MIX_1
    value = np.uint64(0)
    for position in range(len(words)):
        value = value * MIX_1 + words[position]
        if position >= NGRAM_WORDS:
            value -= words[position - NGRAM_WORDS] * power
        if position >= NGRAM_WORDS - 1:
            out[position - NGRAM_WORDS + 1] = mix(value)
    return out


@compiled
def _flags(
    data: Any,
    offsets: Any,
    classes: Any,
    longest: Any,
    streams: Any,
    ngrams: Any,
    suspects: Any,
    ngram: Any,
    whole: Any,
) -> Any:
    words = np.empty(longest + 1, np.uint64)
    out = np.zeros(len(offsets) - 1, np.uint8)
    for text in suspects:
        count, stream = words_of(data, offsets[text], offsets[text + 1], classes, words)
        if whole[text] and _holds(streams, stream if count else np.uint64(0)):
            out[text] |= SAME_WORDS
        if ngram[text] != NOWHERE:
            for hashed in rolling(words[ngram[text] : count]):
                if _holds(ngrams, hashed):
                    out[text] |= SHARED_NGRAM
                    break
    return out


@compiled
def _holds(ordered: Any, value: Any) -> Any:
    place = np.searchsorted(ordered, value)
    return place < len(ordered) and ordered[place] == value
