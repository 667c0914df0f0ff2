"""Records to measure speed on: about 100 words each, words distributed as in English, copies planted at known rates.

Made from a seed, so that every benchmark runs on the same text on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

VOCABULARY = 30_000
ZIPF_EXPONENT = 1.07
_COMMON = """
the of and to a in is you that it he was for on are as with his they I at be this have from or one had by word
but not what all were we when your can said there use an each which she do how their if will up other about
out many then them these so some her would make like him into time has look two more write go see number no
way could people my than first water been call who its now find long down day did get come made may part over
new sound take only little work know place year live me back give most very after thing our just name good
sentence man think say great where help through much before line right too mean old any same tell boy follow
came want show also around form three small set put end does another well large must big even such because
turn here why ask went men read need land different home us move try kind hand picture again change off play
spell air away animal house point
"""
# The most frequent words of English, most frequent first; all others are made up.

_SYLLABLES = [first + vowel for first in "bcdfghklmnprstvw" for vowel in "aeiou"] + ["th", "sh", "qu", "st", "en", "er"]


class Planted(NamedTuple):
    """A copy: which record it was made from, and the share of its words that were replaced."""

    copy: int
    original: int
    edited: float


class Corpus(NamedTuple):
    """prompts and answers, in order, and the copies among them."""

    prompts: list[str]
    answers: list[str]
    planted: list[Planted]

    def __len__(self) -> int:
        return len(self.prompts)

    def texts(self) -> list[str]:
        return [f"{prompt}\n{answer}" for prompt, answer in zip(self.prompts, self.answers, strict=True)]

    def write_jsonl(self, path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            for prompt, answer in zip(self.prompts, self.answers, strict=True):
                turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
                file.write(json.dumps({"messages": turns}) + "\n")


def make_corpus(
    records: int,
    *,
    words: int = 100,
    edits: tuple[float, ...] = (0.0, 0.02, 0.05, 0.2, 0.3),
    share: float = 0.02,
    seed: int = 1,
) -> Corpus:
    """`share` of the records are copies at each rate in `edits`, of records that are copied once."""
    random = np.random.default_rng(seed)
    vocabulary = np.array(list(_vocabulary(random)), dtype=object)
    weights = 1.0 / np.arange(1, VOCABULARY + 1) ** ZIPF_EXPONENT
    cumulative = np.cumsum(weights / weights.sum())
    copies = int(records * share)
    fresh = records - copies * len(edits)
    texts: list[list[str]] = []
    for length in random.integers(int(words * 0.5), int(words * 1.5), fresh):
        texts.append(list(vocabulary[np.minimum(np.searchsorted(cumulative, random.random(length)), VOCABULARY - 1)]))
    planted: list[Planted] = []
    originals = random.permutation(fresh)[: copies * len(edits)]
    for position, original in enumerate(originals):
        rate = edits[position % len(edits)]
        planted.append(Planted(len(texts), int(original), rate))
        texts.append(_edited(texts[original], rate, vocabulary, cumulative, random))
    order = random.permutation(len(texts))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    prompts, answers = [], []
    for index in order:
        ends = _sentences(texts[index])
        cut = min(len(ends) - 1, max(1, len(ends) // 4))
        prompts.append(" ".join(ends[:cut]))
        answers.append(" ".join(ends[cut:]))
    return Corpus(
        prompts, answers, [Planted(int(place[item.copy]), int(place[item.original]), item.edited) for item in planted]
    )


def _vocabulary(random: np.random.Generator) -> Iterator[str]:
    common = dict.fromkeys(_COMMON.split())
    yield from common
    seen = set(common)
    while len(seen) < VOCABULARY:
        word = "".join(_SYLLABLES[i] for i in random.integers(0, len(_SYLLABLES), 1 + int(random.integers(1, 4))))
        if word not in seen:
            seen.add(word)
            yield word


def _edited(
    words: list[str], rate: float, vocabulary: np.ndarray, cumulative: np.ndarray, random: np.random.Generator
) -> list[str]:
    out = list(words)
    for position in random.permutation(len(out))[: round(rate * len(out))]:
        out[position] = vocabulary[min(int(np.searchsorted(cumulative, random.random())), VOCABULARY - 1)]
    return out


def _sentences(words: list[str]) -> list[str]:
    return [" ".join(words[start : start + 12]).capitalize() + "." for start in range(0, len(words), 12)]
