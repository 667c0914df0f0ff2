"""Which tokens of a record the loss is computed on."""

from __future__ import annotations

from assay.chat import IGNORED, Encoded

from ..settings import TrainSettings


def chosen_labels(encoded: Encoded, settings: TrainSettings) -> list[int]:
    """Every answer that is not marked `train: false`, the last of those alone, or everything."""
    if not settings.assistant_only_loss:
        return encoded.input_ids
    return last_answer_labels(encoded) if settings.completion_only_loss else encoded.labels


def last_answer_labels(encoded: Encoded) -> list[int]:
    """The labels without those of all answers but the last: what TRL calls the completion of a conversation."""
    start = encoded.answers[-1].start
    return [
        label if label != IGNORED and end > start else IGNORED
        for label, (_, end) in zip(encoded.labels, encoded.offsets, strict=True)
    ]
