"""Questions of the same meaning in other words, where an encoder is installed: candidates to be compared as one.

The vectors come from `curate/meaning`, in the pass over the data. What they propose is read, and one word of content
without a counterpart in the other question is enough to part the two: an encoder puts "hot water" beside "water".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.families import UnionFind
from assay.records import Record

from ..check import Context
from .alignment import content_words
from .openness import is_open_ended
from .questions import may_ask_the_same, plainly

if TYPE_CHECKING:
    from ..column import Array
    from ..meaning.encoder import Encoder

COUNTERPART = 0.5
"""Cosine from which a word stands for another; chosen on question pairs of QQP and STS."""

MOST_READ = 100_000
"""Pairs that are read, the nearest first."""


def joined_by_meaning(
    questions: Array, contexts: Array, records: Sequence[Record], context: Context, threshold: float
) -> Array:
    """`questions` with one hash for all questions of one meaning in one context; shape [records].

    threshold  cosine from which two questions are read; nothing is joined where it is 0 or no encoder is installed
    """
    from ..meaning.encoder import load_encoder, why_missing

    if threshold <= 0 or why_missing(context.encoder) is not None:
        return questions
    import numpy as np

    from ..meaning.columns import meanings
    from ..meaning.pairs import similar_pairs
    from ..meaning.vectors import Packed

    wanted = np.zeros(len(questions), bool)
    wanted[np.unique(questions, return_index=True)[1]] = True
    wanted &= questions != 0
    pairs = similar_pairs(Packed(context.column(meanings), wanted, texts=1), threshold)
    same = np.flatnonzero(contexts[pairs.first] == contexts[pairs.second])
    nearest = same[np.argsort(-pairs.similarity[same], kind="stable")[:MOST_READ]]
    encoder = load_encoder(context.encoder)
    union: UnionFind[int] = UnionFind()
    for place in nearest.tolist():
        one, other = int(pairs.first[place]), int(pairs.second[place])
        if ask_the_same(question_of(records[one]), question_of(records[other]), encoder):
            union.join(one, other)
    joined = questions.copy()
    for group in union.groups():
        members = questions[np.array(sorted(group))]
        joined[np.isin(questions, members)] = members[0]
    return joined


def ask_the_same(one: str, other: str, encoder: Encoder) -> bool:
    """Whether two questions that are near by their vectors are one, as far as their words tell."""
    from ..meaning.agreement import difference

    if is_open_ended(one) or is_open_ended(other) or not may_ask_the_same(one, other):
        return False
    one, other = plainly(one), plainly(other)
    return difference(one, other, encoder) is None and _has_counterparts(one, other, encoder)


def _has_counterparts(one: str, other: str, encoder: Encoder) -> bool:
    """Whether every word of content in each stands for one in the other."""
    mine, theirs = content_words(one), content_words(other)
    if mine == theirs:
        return True
    if not mine or not theirs:
        return False
    left, right = sorted(mine), sorted(theirs)
    near = (encoder.encode(left) @ encoder.encode(right).T) >= COUNTERPART
    for row, word in enumerate(left):
        for column, counterpart in enumerate(right):
            near[row, column] |= word == counterpart
    return bool(near.any(axis=1).all() and near.any(axis=0).all())


def question_of(record: Record) -> str:
    """The last user turn."""
    return next((message.content or "" for message in reversed(record.prompt) if message.role == "user"), "")
