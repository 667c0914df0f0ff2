"""What a record shares with an item of an evaluation suite, word for word."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import numpy as np

from assay.records import Record
from assay.text import message_text, word_spans

from ..ngrams.kernels import words_of_texts
from ..ngrams.texts import buffer, character_classes
from .index import LeakIndex, rolling
from .sieve import NGRAM_WORDS

CONTEXT_CHARACTERS = 300


class Match(NamedTuple):
    """item     position of the item
    covered  share of the item's words that n-grams of the text cover
    run      length in words of the longest passage that both have
    text     that passage, as the record has it (in compatibility form where it is not ASCII)
    whole    whether the turn has the very words of the item, and no others
    message  which turn it stands in
    """

    item: int
    covered: float
    run: int
    text: str
    whole: bool
    message: int = 0


def best_in_record(record: Record, index: LeakIndex) -> Match | None:
    """The best match of any turn."""
    found = [
        match._replace(message=position)
        for position, message in enumerate(record.messages)
        if (match := best_match(message_text(message), index)) is not None
    ]
    return max(found, key=lambda match: (match.covered, match.run), default=None)


class _Run(NamedTuple):
    """n-grams of a text, one after the other, that match an item's in the same order: the first and the last."""

    start: int
    last: int

    @property
    def words(self) -> int:
        return self.last - self.start + NGRAM_WORDS


def best_match(text: str, index: LeakIndex) -> Match | None:
    """The item of which the text covers the greatest share, or None."""
    given = buffer([text])
    words, _ = words_of_texts(given.data, given.offsets, character_classes())
    hashes = rolling(words)
    first = np.searchsorted(index.ngrams, hashes, side="left")
    last = np.searchsorted(index.ngrams, hashes, side="right")
    covered: dict[int, set[int]] = {}
    runs: dict[tuple[int, int], _Run] = {}
    longest: dict[int, _Run] = {}
    for position in np.flatnonzero(last > first).tolist():
        for entry in range(first[position], last[position]):
            item, place = int(index.item[entry]), int(index.place[entry])
            covered.setdefault(item, set()).update(range(place, place + NGRAM_WORDS))
            before = runs.get((item, position - place))
            start = before.start if before is not None and before.last == position - 1 else position
            run = runs[item, position - place] = _Run(start, position)
            if item not in longest or run.words > longest[item].words:
                longest[item] = run
    if not covered:
        return None
    best = max(covered, key=lambda item: (len(covered[item]) / index.lengths[item], longest[item].words, -item))
    run = longest[best]
    share = len(covered[best]) / float(index.lengths[best])
    whole = run.words == len(words) == index.lengths[best]
    return Match(best, share, run.words, _quote(text, run.start, run.words), whole)


def _quote(text: str, first: int, count: int) -> str:
    shown = text if text.isascii() else unicodedata.normalize("NFKC", text)
    spans = word_spans(shown)
    if first + count > len(spans):
        return ""
    passage = shown[spans[first][0] : spans[first + count - 1][1]]
    return passage if len(passage) <= CONTEXT_CHARACTERS else passage[: CONTEXT_CHARACTERS - 3] + "..."
