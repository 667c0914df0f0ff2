"""A cross-encoder for natural-language inference as a confirmer; any hub id or folder.

Long answers are judged by their aligned sentences, the most contradictory pair counting (SummaC, Laban et al. 2022,
section 3), and in both directions, since a contradiction has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError, SettingsError, missing_extra

from .alignment import aligned, sentences
from .confirmers import BEYOND_NLI, Opinion, Pair
from .tongue import language_of_pair

if TYPE_CHECKING:
    import torch

BATCH = 32
MAX_TOKENS = 512
MOST_SENTENCE_PAIRS = 8
SHORT = 6
"""An answer of fewer words is no statement by itself: the question goes before it."""


@dataclass(frozen=True)
class NliModel:
    """contradiction: the index of that class in the model's output."""

    name: str
    tokenizer: Any = field(repr=False)
    network: Any = field(repr=False)
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
        order = sorted(range(len(both)), key=lambda index: len(both[index][0]) + len(both[index][1]))
        found = [0.0] * len(both)
        for start in range(0, len(order), BATCH):
            indices = order[start : start + BATCH]
            for index, chance in zip(indices, self._batch([both[index] for index in indices]), strict=True):
                found[index] = chance
        half = len(statements)
        return [(found[index] + found[index + half]) / 2 for index in range(half)]

    def _batch(self, statements: Sequence[tuple[str, str]]) -> list[float]:
        import torch

        premises, hypotheses = ([_clean(part) for part in side] for side in zip(*statements, strict=True))
        encoded = self.tokenizer(
            premises, hypotheses, padding=True, truncation=True, max_length=self._length(), return_tensors="pt"
        )
        with torch.inference_mode():
            logits: torch.Tensor = self.network(**encoded.to(self.network.device)).logits
        return [float(value) for value in logits.float().softmax(-1)[:, self.contradiction]]

    def _length(self) -> int:
        config = self.network.config
        return min(MAX_TOKENS, int(getattr(config, "max_position_embeddings", 0) or MAX_TOKENS))


def load_nli(name: str, *, offline: bool = False) -> NliModel:
    """Loads tokenizer and weights. Raises ModelError, SettingsError for a model without a class "contradiction",
    MissingExtraError."""
    try:
        import torch
        from transformers import AutoModelForSequenceClassification
    except ImportError as error:
        raise missing_extra("train", error) from error
    from assay.models import load_tokenizer, resolve

    reference = resolve(name, offline=offline)
    tokenizer = load_tokenizer(reference)
    try:
        network = AutoModelForSequenceClassification.from_pretrained(
            **reference.source(), use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"the NLI model cannot be loaded: {reason}", where=name) from error
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return NliModel(name, tokenizer, network, contradiction_class(network.config.id2label, name))


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


def _clean(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes."""
    return text[:8_000].encode("utf-8", "replace").decode()
