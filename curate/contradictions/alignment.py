"""Which sentences of two texts say something about the same thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.text import words

from .dates import without_dates
from .quantities import numbers

MAX_SENTENCES = 40
"""Sentences of each answer that are aligned; more would make long answers cost their length squared."""

MIN_SHARED = 0.5
"""Jaccard similarity of the content words from which two sentences count as counterparts."""

_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+|(?<=[。！？])")
_STOPWORD_LIST = """
a an the of to in on at for by with from and or is are was were be been it its this that these those you your we our
i my they their he she his her as so do does did can will would should may have has had up about approximately around
roughly within only just yes no than then there here which who what when
"""
_STOPWORDS = frozenset(_STOPWORD_LIST.split())


def aligned(one: str, other: str) -> Iterator[tuple[str, str]]:
    """Each sentence of one answer with the most similar one of the other, where they share most of their words."""
    theirs = [(sentence, content_words(sentence)) for sentence in sentences(other)]
    for sentence in sentences(one):
        mine = content_words(sentence)
        best, best_share = "", 0.0
        for candidate, content in theirs:
            if mine and content:
                share = len(mine & content) / len(mine | content)
                if share > best_share:
                    best, best_share = candidate, share
        if best_share >= MIN_SHARED:
            yield sentence, best


def content_words(sentence: str) -> frozenset[str]:
    """Words that carry the statement: neither stop words nor the numbers and dates that are to be compared."""
    plain = without_dates(sentence)
    for number in numbers(plain):
        plain = plain.replace(number.text, " ", 1)
    return frozenset(word for word in words(plain) if word not in _STOPWORDS and not word.isdigit())


def sentences(text: str) -> list[str]:
    """The first MAX_SENTENCES sentences; a new line ends one, too."""
    parts = [part.strip() for part in _SENTENCE.split(text) if part.strip()]
    return parts[:MAX_SENTENCES]
