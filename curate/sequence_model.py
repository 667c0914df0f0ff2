"""A sequence-classification model of transformers: any hub id or folder, safetensors only, no code of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from assay.errors import ModelError, missing_extra

if TYPE_CHECKING:
    import torch

BATCH = 32
MAX_TOKENS = 512
MAX_CHARACTERS = 8_000

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class SequenceModel:
    """classes: {index in the output: name}. independent: each class is a yes or no by itself."""

    name: str
    tokenizer: Any = field(repr=False)
    network: Any = field(repr=False)
    classes: dict[int, str] = field(default_factory=dict)
    independent: bool = False

    def probabilities(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> torch.Tensor:
        """Of texts, or of pairs with `seconds`; shape [texts, classes].

        Cut at MAX_CHARACTERS and at the model's length. A lone surrogate becomes a question mark.
        """
        import torch

        sides = [[_clean(text) for text in side] for side in ((texts,) if seconds is None else (texts, seconds))]
        encoded = self.tokenizer(*sides, padding=True, truncation=True, max_length=self._length(), return_tensors="pt")
        if seconds is None:  # decoders take no token types, and those of a single text say nothing
            encoded.pop("token_type_ids", None)
        with torch.inference_mode():
            logits: torch.Tensor = self.network(**encoded.to(self.network.device)).logits.float()
        return logits.sigmoid() if self.independent else logits.softmax(-1)

    def _length(self) -> int:
        return min(MAX_TOKENS, int(getattr(self.network.config, "max_position_embeddings", 0) or MAX_TOKENS))


def load_sequence_model(name: str, what: str, *, offline: bool = False) -> SequenceModel:
    """Loads tokenizer and weights. what: the model in a message, "the NLI model".

    Raises ModelError, MissingExtraError.
    """
    try:
        import torch
        from safetensors import SafetensorError
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
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{what} cannot be loaded: {reason}", where=name) from error
    config = network.config
    classes = {int(index): str(label) for index, label in config.id2label.items()}
    independent = len(classes) == 1 or config.problem_type == "multi_label_classification"
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return SequenceModel(name, tokenizer, network, classes, independent)


def by_length(
    items: Sequence[Item], length: Callable[[Item], int], judge: Callable[[list[Item]], Sequence[Answer]]
) -> list[Answer]:
    """What `judge` says of each item, in order; items of like length are judged together, so that little is padded."""
    order = sorted(range(len(items)), key=lambda index: length(items[index]))
    found: dict[int, Answer] = {}
    for start in range(0, len(order), BATCH):
        indices = order[start : start + BATCH]
        found.update(zip(indices, judge([items[index] for index in indices]), strict=True))
    return [found[index] for index in range(len(items))]


def _clean(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes, and not empty, which some do not take."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() or " "
