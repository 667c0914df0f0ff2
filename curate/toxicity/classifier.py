"""A text-classification model of transformers as a judge of prompts: any hub id or folder, safetensors only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from assay.errors import ModelError, SettingsError, missing_extra

BATCH = 32
SORTED = 1024
"""Texts that are sorted by length together, so that a batch pads little."""

MAX_TOKENS = 512
MAX_CHARACTERS = 8_000

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
    """counted: {class index: name} of the classes that count. independent: each class is a yes or no by itself."""

    name: str
    tokenizer: Any = field(repr=False)
    network: Any = field(repr=False)
    counted: dict[int, str] = field(default_factory=dict)
    independent: bool = False

    def judge(self, texts: Sequence[str]) -> Iterator[Judged]:
        """One a text, in order. Texts are cut at MAX_CHARACTERS and at the model's length."""
        for first in range(0, len(texts), SORTED):
            rows = texts[first : first + SORTED]
            order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
            found: dict[int, Judged] = {}
            for start in range(0, len(order), BATCH):
                indices = order[start : start + BATCH]
                found.update(zip(indices, self._batch([rows[index] for index in indices]), strict=True))
            yield from (found[index] for index in range(len(rows)))

    def _batch(self, texts: Sequence[str]) -> list[Judged]:
        import torch

        clean = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() or " " for text in texts]
        encoded = self.tokenizer(clean, padding=True, truncation=True, max_length=self._length(), return_tensors="pt")
        inputs = {name: value for name, value in encoded.items() if name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            logits = self.network(**{name: value.to(self.network.device) for name, value in inputs.items()}).logits
        chances = logits.float().sigmoid() if self.independent else logits.float().softmax(-1)
        best = [max((float(row[index]), name) for index, name in self.counted.items()) for row in chances]
        return [Judged(name, probability) for probability, name in best]

    def _length(self) -> int:
        return min(MAX_TOKENS, int(getattr(self.network.config, "max_position_embeddings", 0) or MAX_TOKENS))


def load_classifier(name: str, labels: Sequence[str] = (), *, offline: bool = False) -> Classifier:
    """labels: the classes that count [those that are named like harm].

    Raises ModelError, SettingsError for a class that the model lacks or a model with none that counts, and
    MissingExtraError.
    """
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
        raise ModelError(f"the classifier cannot be loaded: {reason}", where=name) from error
    classes = {int(index): str(label) for index, label in network.config.id2label.items()}
    independent = len(classes) == 1 or network.config.problem_type == "multi_label_classification"
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return Classifier(name, tokenizer, network, counted_classes(classes, labels, name), independent)


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
