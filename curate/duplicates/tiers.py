"""The tiers in which duplicates are found, each among the records that the tiers below it left.

identical    the same content
normalised   the same but for case, punctuation, white space and Unicode form
near         verified Jaccard similarity of word 5-grams
edited       several rare word 3-grams in common, verified by the Jaccard similarity of word 2-grams

An edited copy is out of reach of the near tier: with one word in twenty changed only every sixth pair still shares
80 % of its 5-grams.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from assay.records import Record
from assay.text import words

from ..contradictions.candidates import answer_hash
from ..contradictions.clash import Question, find_clash
from ..ngrams.sketches import BANDS, NEAR_WORDS
from ..ngrams.store import NgramStore
from .clusters import Clusters, Positions, first_alike, groups_of, tie
from .columns import left_out_of_size, record_hash, setting_hash, sketches
from .compare import (
    Answers,
    answers_agree,
    answers_of,
    compared_text,
    edits_are_scattered,
    normalized_record,
    numbers_agree,
    questions_agree,
    symbols_agree,
)  # fmt: skip
from .edited import FEWEST_WORDS, VERIFIED_WORDS, candidates

if TYPE_CHECKING:
    from ..check import Context

NEAR_THRESHOLD, EDITED_THRESHOLD = 0.8, 0.3
"""Defaults of the checks of these tiers."""

SHARED_SETTING = 3
"""System turns that so many records have are a setting, and records under different settings are not compared."""

NEAR_ANSWER_SHARE, EDITED_ANSWER_SHARE = 0.7, 0.4
"""Of the different words in two answers, the share that both must have for the records to be duplicates."""

SHORT_WORDS, SHORT_SIMILARITY = 50, 0.45
"""Texts of fewer words than this must share more to be an edited copy: they have more of their words by chance."""

QUESTION_SHARE = 0.6
"""The same for the last questions of the last user turns, when there are any."""

RECURRING, RECURRING_QUESTION_SHARE, RECURRING_SIMILARITY = 5, 0.75, 0.6
"""An answer that so many records give, such as a label, says nothing of whether two of them ask the same: of their
questions more must be the same, and of short edited copies as a whole."""

REMEMBERED = 4096

SHORT_ANSWER = 150
"""Characters; in a longer answer one fact is not what it is about, and to compare all of them takes milliseconds."""

READ_PAIRS = 2048
"""Pairs whose records are read together; fewer than the corpus keeps decoded."""


class Tie:
    """Pairs that were verified, in the order in which they were: positions, first < second, and similarity."""

    def __init__(self) -> None:
        self.first: list[int] = []
        self.second: list[int] = []
        self.similarity: list[float] = []

    def add(self, first: int, second: int, similarity: float) -> None:
        self.first.append(first)
        self.second.append(second)
        self.similarity.append(similarity)

    def nearest(self) -> dict[int, tuple[float, int]]:
        """{position: (similarity, other position)} of the most similar record that each was tied to."""
        found: dict[int, tuple[float, int]] = {}
        for first, second, similarity in zip(self.first, self.second, self.similarity, strict=True):
            found[first] = max(found.get(first, (0.0, 0)), (similarity, second))
            found[second] = max(found.get(second, (0.0, 0)), (similarity, first))
        return found


class Tier:
    """groups: positions in ascending order; tied: the pairs that hold them together."""

    def __init__(self, groups: list[Positions], tied: Tie, leaders: Positions) -> None:
        self.groups = groups
        self.tied = tied
        self.leaders = leaders


def identical(context: Context) -> Positions:
    """Of each position the first one with the same content; shape [records]."""
    return cast("Positions", context.once("duplicates.identical", lambda: first_alike(context.column(record_hash))))


def normalised(records: Sequence[Record], context: Context) -> Positions:
    """Of each position the first one that is the same after normalisation; shape [records]."""
    return cast("Positions", context.once("duplicates.normalised", lambda: _normalised(records, context)))


def near(records: Sequence[Record], context: Context, threshold: float) -> Tier:
    return cast("Tier", context.once(f"duplicates.near.{threshold}", lambda: _near(records, context, threshold)))


def _normalised(records: Sequence[Record], context: Context) -> Positions:
    """Only records whose word characters are the same are read and normalised."""
    leaders = identical(context).copy()
    own = np.flatnonzero(leaders == np.arange(len(leaders)))
    streams = context.column(sketches)["streams"][own]
    for group in groups_of(streams):
        if streams[group[0]] == 0:
            continue
        seen: dict[int, int] = {}
        for position in own[group]:
            leaders[position] = seen.setdefault(normalized_record(records[position]), int(position))
    return leaders[leaders]


class _Comparison:
    """Reads the records that are compared, and remembers what it needs of the last ones."""

    def __init__(self, records: Sequence[Record], context: Context) -> None:
        self.records = records
        self.settings = context.column(setting_hash)
        values, counts = np.unique(self.settings, return_counts=True)
        shared = values[(counts >= SHARED_SETTING) & (values != 0)]
        self._shared = frozenset(int(value) for value in shared)
        self._is_shared = np.isin(self.settings, shared)
        self._alike = context.alike
        answers = context.column(answer_hash)
        found, kind, number = np.unique(answers, return_inverse=True, return_counts=True)
        self._recurs = (answers != 0) & (number[kind.reshape(-1)] >= RECURRING) if len(found) else answers != 0
        self.answers: Callable[[int], Answers] = lru_cache(REMEMBERED)(lambda position: answers_of(records[position]))

    def texts(self, positions: Positions) -> list[str]:
        return [compared_text(record, self._shared) for record in taken(self.records, positions)]

    def comparable(self, first: Positions, second: Positions) -> npt.NDArray[np.bool_]:
        """Not those under two different shared settings, nor under one and none."""
        mine = np.where(self._is_shared[first], self.settings[first], 0)
        return cast("npt.NDArray[np.bool_]", mine == np.where(self._is_shared[second], self.settings[second], 0))

    def contradict(self, first: int, second: int) -> bool:
        """Whether two short last answers clash: what was edited is then what they say, and not how."""
        one, other = self.records[first], self.records[second]
        if max(len(one.answer), len(other.answer)) > SHORT_ANSWER:
            return False
        asked = next((message.content or "" for message in reversed(one.prompt) if message.role == "user"), "")
        return find_clash(one.answer, other.answer, Question(asked, False, ())) is not None

    def agree(self, first: int, second: int, share: float) -> bool:
        """Whether answers and questions agree; a split keeps the two records together in any case."""
        one, other = self.records[first], self.records[second]
        self._alike.append((one.row_id, other.row_id))
        questions = RECURRING_QUESTION_SHARE if self.have_one_of_many(first, second) else QUESTION_SHARE
        return answers_agree(self.answers(first), self.answers(second), share) and questions_agree(
            one, other, questions
        )

    def have_one_of_many(self, first: int, second: int) -> bool:
        """Whether both have an answer that recurs."""
        return bool(self._recurs[first] and self._recurs[second])


def taken(records: Sequence[Record], positions: Positions) -> Sequence[Record]:
    """The records at some positions; all at once where the sequence can."""
    take = getattr(records, "take", None)
    return take(positions) if take is not None else [records[position] for position in positions]


def _near(records: Sequence[Record], context: Context, threshold: float) -> Tier:
    leaders = normalised(records, context)
    own = np.flatnonzero(leaders == np.arange(len(leaders)))
    bands = context.column(sketches)["bands"]
    comparison = _Comparison(records, context)
    store = NgramStore(len(leaders), comparison.texts, NEAR_WORDS, left_out_of_size(context, NEAR_WORDS))

    def accept(first: int, second: int, similarity: float) -> bool:
        if not comparison.agree(first, second, NEAR_ANSWER_SHARE):
            return False
        return similarity < 1 or symbols_agree(records[first], records[second])

    clusters, tied = Clusters(len(leaders)), Tie()
    verify = _verifier(comparison, store, threshold, accept, tied)
    for band in range(BANDS):
        tie(bands[own, band], own, clusters, verify)
    return Tier(list(clusters.groups()), tied, clusters.leaders()[leaders])


def edited(records: Sequence[Record], context: Context, threshold: float, near_threshold: float) -> Tier:
    """Among the first of each near group."""
    key = f"duplicates.edited.{threshold}.{near_threshold}"
    return cast("Tier", context.once(key, lambda: _edited(records, context, threshold, near_threshold)))


def _edited(records: Sequence[Record], context: Context, threshold: float, near_threshold: float) -> Tier:
    below = near(records, context, near_threshold).leaders
    sketched = context.column(sketches)
    own = np.flatnonzero((below == np.arange(len(below))) & (sketched["words"] >= FEWEST_WORDS))
    comparison = _Comparison(records, context)
    store = NgramStore(len(below), comparison.texts, VERIFIED_WORDS, left_out_of_size(context, VERIFIED_WORDS))
    clusters, tied = Clusters(len(below)), Tie()

    def accept(first: int, second: int, similarity: float) -> bool:
        enough = RECURRING_SIMILARITY if comparison.have_one_of_many(first, second) else SHORT_SIMILARITY
        if similarity < enough and min(sketched["words"][[first, second]]) < SHORT_WORDS:
            return False
        if not comparison.agree(first, second, EDITED_ANSWER_SHARE):
            return False
        one, other = map(words, comparison.texts(np.array([first, second])))
        return (
            numbers_agree(one, other) and edits_are_scattered(one, other) and not comparison.contradict(first, second)
        )

    verify = _verifier(comparison, store, threshold, accept, tied)
    first, second = candidates(sketched["sampled"], own)
    alike = verify(first, second)
    clusters.join(first[alike], second[alike])
    return Tier(list(clusters.groups()), tied, clusters.leaders()[below])


def _verifier(
    comparison: _Comparison,
    store: NgramStore,
    threshold: float,
    accept: Callable[[int, int, float], bool],
    tied: Tie,
) -> Callable[[Positions, Positions], npt.NDArray[np.bool_]]:
    """Settings, then exact similarity, then a look at the records themselves, which is asked once for a pair."""
    answered: dict[tuple[int, int], bool] = {}

    def verify(first: Positions, second: Positions) -> npt.NDArray[np.bool_]:
        alike = comparison.comparable(first, second)
        similarity = np.zeros(len(first))
        similarity[alike] = store.similarities(first[alike], second[alike])
        alike &= similarity >= threshold
        wanted = np.flatnonzero(alike)
        for start in range(0, len(wanted), READ_PAIRS):
            block = wanted[start : start + READ_PAIRS]
            taken(comparison.records, np.unique(np.concatenate((first[block], second[block]))))
            for pair in block:
                one, other = int(first[pair]), int(second[pair])
                if (one, other) not in answered:
                    answered[one, other] = accept(one, other, float(similarity[pair]))
                    if answered[one, other]:
                        tied.add(one, other, float(similarity[pair]))
                alike[pair] = answered[one, other]
        return alike

    return verify
