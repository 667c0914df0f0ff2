"""Which sentences of two texts say something about the same thing."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from assay.text import words

from .dates import dates, without_dates
from .quantities import numbers

MAX_SENTENCES = 40
"""Sentences of each answer that are aligned; more would make long answers cost their length squared."""

MAX_CHARACTERS = 8_000
"""Characters of each answer that are looked at."""

LAST = 1_000
"""Of those, as many are the end of a longer answer."""

MIN_SHARED = 0.5
"""Jaccard similarity of the content words from which two sentences count as counterparts."""

_ABBREVIATIONS = ("Mr.", "Dr.", "St.", "Sr.", "Nr.", "vs.", "Mrd.", "Mio.", "U.S.")
_NO_END = "".join(rf"(?<!\b{re.escape(word)})" for word in _ABBREVIATIONS)
_SENTENCE = re.compile(rf"(?<=[.!?。！？؟])(?<!\b[A-Z]\.)(?<!\d\.){_NO_END}\s+|\n+|(?<=[。！？])")
_STOPWORD_LIST = """
a an the of to in on at for by with from and or is are was were be been it its this that these those you your we our
i my they their he she his her as so do does did can will would should may have has had up about approximately around
roughly within only just yes no than then there here which who what when please also very really any some s t

der die das ein eine einen einem einer eines und oder ist sind war waren in im am an auf für von mit zu zum zur den dem
des es sie er wir ich ihr ihre sich als so wird werden hat haben kann ja nein etwa rund circa nur auch noch bei nach

el la los las un una unos unas y o es son fue ser de del en con por para a al que se su sus lo como más muy sí no hay
está están ha han puede aproximadamente unos alrededor solo

في من على إلى عن أن إن هذا هذه التي الذي هو هي كان كانت مع أو و ثم قد نعم لا حوالي نحو

的 了 是 在 和 与 也 就 都 而 及 着 我 您 你 他 她 它 们 这 那 一 个 有 为 以 吗 呢 吧 到 于 其 被 把 从 将
可 能 会 要 需 已 经 还 没
の に は を が と で も へ や か ら り る た て し い す ま れ な さ せ こ そ う ん よ く あ だ き っ け ど え
"""
STOPWORDS = frozenset(_STOPWORD_LIST.split())


class Sentence(NamedTuple):
    text: str
    content: frozenset[str]


def aligned(one: str, other: str, language: str = "en") -> list[tuple[str, str]]:
    """Each sentence of one answer with the most similar one of the other, where they share most of their words."""
    theirs = sentences(other, language)
    pairs = []
    for sentence in sentences(one, language):
        best, best_share = "", 0.0
        for candidate in theirs:
            share = jaccard(sentence.content, candidate.content)
            if share > best_share:
                best, best_share = candidate.text, share
        if best_share >= MIN_SHARED:
            pairs.append((sentence.text, best))
    return pairs


def jaccard(mine: frozenset[str], theirs: frozenset[str]) -> float:
    """Of two sets of words; 0 where either is empty."""
    return len(mine & theirs) / len(mine | theirs) if mine and theirs else 0.0


@lru_cache(maxsize=1024)
def content_words(sentence: str, language: str = "en") -> frozenset[str]:
    """Words that carry the statement: neither stop words nor the numbers and dates that are to be compared."""
    plain = without_dates(sentence, language)
    for number in numbers(sentence, language):
        plain = plain.replace(number.text, " ", 1)
    return frozenset(word for word in words(plain) if word not in STOPWORDS and not word.isdigit())


@lru_cache(maxsize=256)
def sentences(text: str, language: str = "en") -> tuple[Sentence, ...]:
    """The first MAX_SENTENCES sentences; a new line ends one, too."""
    parts = [part.strip() for part in _SENTENCE.split(text[:MAX_CHARACTERS]) if part and part.strip()]
    return tuple(Sentence(part, content_words(part, language)) for part in parts[:MAX_SENTENCES])


def looked_at(text: str) -> str:
    """The text, or of a long one its beginning and its end, where the conclusion stands."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - LAST]}\n{text[-LAST:]}"


def is_cut(text: str) -> bool:
    """Whether some of the text is beyond what is compared."""
    return len(text) > MAX_CHARACTERS or len(_SENTENCE.findall(text[:MAX_CHARACTERS])) >= MAX_SENTENCES


def has_facts(text: str, language: str) -> bool:
    return bool(numbers(text, language) or dates(text, language))
