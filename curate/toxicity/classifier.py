"""A text-classification model of transformers as a judge of prompts: any hub id or folder, safetensors only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assay.errors import SettingsError

from ..sequence_model import SequenceModel, by_length, load_sequence_model

SORTED = 1024
"""Texts that are sorted by length together, so that a batch pads little."""

_HARMFUL = re.compile(
    r"toxic|hate|insult|threat|obscen|harm|unsafe|jailbreak|injection|offens|abus|violen|sexual|harass|danger|malicious",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"^(?:non?|not)(?:[-_ ]|(?=toxic|hate|offens|harm))|harmless|^un(?!safe)", re.IGNORECASE)


class Judged(NamedTuple):
    """The likeliest of the classes that count, and its probability."""

    label: str
    probability: float


@dataclass(frozen=True)
class Classifier:
    """counted: {class index: name} of the classes that count."""

    model: SequenceModel
    counted: dict[int, str]

    def judge(self, texts: Sequence[str]) -> Iterator[Judged]:
        """One a text, in order; as much of a text as the model reads."""
        for first in range(0, len(texts), SORTED):
            yield from by_length(texts[first : first + SORTED], len, self._batch)

    def _batch(self, texts: list[str]) -> list[Judged]:
        chances = self.model.probabilities(texts)
        best = [max((float(row[index]), name) for index, name in self.counted.items()) for row in chances]
        return [Judged(name, probability) for probability, name in best]


def load_classifier(name: str, labels: Sequence[str] = (), *, offline: bool = False) -> Classifier:
    """labels: the classes that count [those that are named like harm].

    Raises ModelError, SettingsError for a class that the model lacks or a model with none that counts, and
    MissingExtraError.
    """
    model = load_sequence_model(name, "the classifier", offline=offline)
    return Classifier(model, counted_classes(model.classes, labels, name))


def counted_classes(classes: dict[int, str], labels: Sequence[str], name: str) -> dict[int, str]:
    """The classes named in `labels`; without labels those whose name speaks of harm, and does not deny it."""
    where = "curate.checks.toxic_prompt.labels"
    has = ", ".join(classes.values())
    for label in labels:
        if label not in classes.values():
            raise SettingsError(f"{name} has no class '{label}'", where=where, fix=f"it has: {has}")
    harmful = {index for index, label in classes.items() if _HARMFUL.search(label) and not _HARMLESS.search(label)}
    counted = {index: label for index, label in classes.items() if (label in labels if labels else index in harmful)}
    if not counted:
        raise SettingsError(
            f"no class of {name} is named like harm (it has: {has})", where=where, fix="name those that count"
        )
    return counted
