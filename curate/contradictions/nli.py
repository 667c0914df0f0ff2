"""A cross-encoder for natural-language inference as a confirmer; any hub id or folder.

Long answers are judged by their aligned sentences, the most contradictory pair counting (SummaC, Laban et al. 2022,
section 3), and in both directions, since a contradiction has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.errors import SettingsError

from ..sequence_model import SequenceModel, by_length, load_sequence_model
from .alignment import aligned, sentences
from .confirmers import BEYOND_NLI, Opinion, Pair
from .tongue import language_of_pair

MOST_SENTENCE_PAIRS = 8
SHORT = 6
"""An answer of fewer words is no statement by itself: the question goes before it."""


@dataclass(frozen=True)
class NliModel:
    """contradiction: the index of that class in the model's output."""

    name: str
    model: SequenceModel
    contradiction: int = 0
    beyond: frozenset[str] = BEYOND_NLI

    def judge(self, pairs: Sequence[Pair]) -> list[Opinion | None]:
        """An opinion of every pair."""
        parts = [_statements(pair) for pair in pairs]
        flat = [part for statements in parts for part in statements]
        chances = iter(self._probabilities(flat))
        opinions: list[Opinion | None] = []
        for statements in parts:
            judged = [Opinion(next(chances), one, other) for one, other in statements]
            opinions.append(max(judged, key=lambda opinion: opinion.probability, default=None))
        return opinions

    def _probabilities(self, statements: Sequence[tuple[str, str]]) -> list[float]:
        """The mean over both directions, for each pair of statements."""
        both = [*statements, *((other, one) for one, other in statements)]
        found = by_length(both, lambda pair: len(pair[0]) + len(pair[1]), self._batch)
        half = len(statements)
        return [(found[index] + found[index + half]) / 2 for index in range(half)]

    def _batch(self, statements: list[tuple[str, str]]) -> list[float]:
        premises, hypotheses = zip(*statements, strict=True)
        return [float(row[self.contradiction]) for row in self.model.probabilities(premises, hypotheses)]


def load_nli(name: str, *, offline: bool = False) -> NliModel:
    """Loads tokenizer and weights. Raises ModelError, SettingsError for a model without a class "contradiction",
    MissingExtraError."""
    model = load_sequence_model(name, "the NLI model", offline=offline)
    return NliModel(name, model, contradiction_class(model.classes, name))


def contradiction_class(labels: dict[int, str], name: str) -> int:
    """The index of "contradiction" among a model's classes, whose order every model has for itself."""
    found = [int(index) for index, label in labels.items() if "contradict" in str(label).casefold()]
    if len(found) != 1:
        known = ", ".join(map(str, labels.values()))
        raise SettingsError(
            f"{name} has no class 'contradiction' (it has: {known})",
            where="curate.checks.contradiction.confirm.nli",
            fix="name a model trained for natural-language inference with three classes",
        )
    return found[0]


def _statements(pair: Pair) -> list[tuple[str, str]]:
    """What the model compares: the answers with the question before short ones, or their aligned sentences."""
    if min(len(pair.first.split()), len(pair.second.split())) < SHORT:
        question = pair.question.strip()[-400:]
        return [(f"{question} {pair.first.strip()}", f"{question} {pair.second.strip()}")]
    language = language_of_pair(pair.first, pair.second, pair.question)
    if len(sentences(pair.first, language)) == 1 or len(sentences(pair.second, language)) == 1:
        return [(pair.first, pair.second)]
    return aligned(pair.first, pair.second, language)[:MOST_SENTENCE_PAIRS] or [(pair.first, pair.second)]
