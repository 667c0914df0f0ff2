"""Records that say the same in other words: candidates by their vectors, then both records read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assay.records import Record
from assay.text import normalize, words

from ..contradictions.refusals import is_refusal
from .agreement import difference
from .columns import answer_text, prompt_text, setting_text
from .constants import MAX_CHARACTERS
from .encoder import Encoder

if TYPE_CHECKING:
    from .pairs import Pairs

SHARED_WORD_PAIRS, FEWEST_WORDS = 0.3, 12
"""A record of so many words that shares so many pairs of adjacent words with another is an edited copy of it, which
another tier finds."""

LONG_ANSWER_WORDS, SHARED_WORDS = 30, 0.5
"""Two longer answers must also have this share of the different words of the shorter one in common: the more words,
the nearer the mean of any two texts on one subject."""

MOST_READ = 200_000
"""Pairs that are read at most, the nearest first."""


@dataclass(frozen=True)
class Said:
    """A record as it is compared: of each text as much as is encoded."""

    prompt: str
    answer: str
    setting: str

    @classmethod
    def of(cls, record: Record) -> Said:
        return cls(prompt_text(record)[:MAX_CHARACTERS], answer_text(record)[:MAX_CHARACTERS], setting_text(record))


@dataclass
class Alike:
    """What has been confirmed: {position: (similarity, position of its centre or of its nearest member)}."""

    centre: dict[int, int] = field(default_factory=dict)
    nearest: dict[int, tuple[float, int]] = field(default_factory=dict)

    def groups(self) -> list[list[int]]:
        """Positions in order, the centre among them; only groups of two and more."""
        members: dict[int, list[int]] = {}
        for position, centre in self.centre.items():
            members.setdefault(centre, []).append(position)
        return [sorted(group) for group in members.values() if len(group) > 1]


def alike_records(records: Sequence[Record], candidates: Pairs, encoder: Encoder, threshold: float) -> Alike:
    """Stars of records whose prompt and whose answer both mean the same as those of their centre.

    candidates are read from the most similar one down; a record that has its place is not read again.
    """
    said = lru_cache(maxsize=4096)(lambda position: Said.of(records[position]))
    found = Alike()
    for place in np.argsort(-candidates.similarity, kind="stable")[:MOST_READ].tolist():
        first, second = int(candidates.first[place]), int(candidates.second[place])
        pair = _free(found, first, second)
        if pair is None:
            continue
        similarity = same_meaning_similarity(said(first), said(second), encoder, threshold)
        if similarity is not None:
            centre, member = pair
            found.centre[centre] = found.centre[member] = centre
            found.nearest[member] = (similarity, centre)
            found.nearest[centre] = max(found.nearest.get(centre, (0.0, -1)), (similarity, member))
    return found


def seldom(hashes: npt.NDArray[Any], often: int) -> npt.NDArray[np.bool_]:
    """Records whose hash is 0 or stands in fewer than `often` of them, shape [records]."""
    _, number, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return np.asarray((hashes == 0) | (counts[number] < often))


def same_meaning_similarity(one: Said, other: Said, encoder: Encoder, threshold: float) -> float | None:
    """The lower of the two cosines, or None when the records do not say the same, or another check finds them."""
    if one.setting != other.setting or normalize(one.prompt) == normalize(other.prompt) or _is_copy(one, other):
        return None
    if is_refusal(one.answer) and is_refusal(other.answer):
        return None  # whatever was asked, refusals sound the same
    prompts = encoder.encode([one.prompt, other.prompt])
    answers = encoder.encode([one.answer, other.answer])
    similarity = min(float(prompts[0] @ prompts[1]), float(answers[0] @ answers[1]))
    if similarity < threshold or difference(one.prompt, other.prompt, encoder) is not None:
        return None
    return similarity if answers_say_the_same(one.answer, other.answer, encoder) else None


def answers_say_the_same(one: str, other: str, encoder: Encoder) -> bool:
    """Of two answers that are near in meaning."""
    if normalize(one) == normalize(other):
        return True
    mine, theirs = set(words(one)), set(words(other))
    shorter = min(len(mine), len(theirs))
    if shorter > LONG_ANSWER_WORDS and len(mine & theirs) < SHARED_WORDS * shorter:
        return False
    return difference(one, other, encoder) is None


def _free(found: Alike, first: int, second: int) -> tuple[int, int] | None:
    """(centre, member) when one of the two can become the other's, so that no member hangs on a member."""
    if first not in found.centre:
        if second not in found.centre:
            return first, second
        return (second, first) if found.centre[second] == second else None
    if second not in found.centre:
        return (first, second) if found.centre[first] == first else None
    return None


def _is_copy(one: Said, other: Said) -> bool:
    """Whether a lower tier finds the pair: the same words, or most pairs of adjacent words."""
    mine, theirs = words(f"{one.prompt}\n{one.answer}"), words(f"{other.prompt}\n{other.answer}")
    if mine == theirs:
        return True
    if min(len(mine), len(theirs)) < FEWEST_WORDS:
        return False
    left, right = set(pairwise(mine)), set(pairwise(theirs))
    return len(left & right) >= SHARED_WORD_PAIRS * len(left | right)
