"""What a run of training depends on beside its settings: its name, and the reason why it is not trained again."""

from __future__ import annotations

from collections.abc import Sequence

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import ModelError
from assay.models import ModelRef, weights_sha256
from assay.protocols import Selection

from .mixing import GeneralFile, general_digests


def input_digests(
    data: Dataset,
    general: Sequence[GeneralFile],
    target: ChatTarget,
    ref: ModelRef,
    selection: Selection | None = None,
) -> dict[str, str]:
    """The hub's models are named by their revision, those of a folder by their weights, as `evaluate` does."""
    digests = {"data": data.digest, **general_digests(general), **target.digests()}
    if ref.revision is None:
        digests |= _weights(ref)
    return digests if selection is None else {**digests, "selection": selection.data_sha256}


def _weights(ref: ModelRef) -> dict[str, str]:
    """Nothing where there is nothing to hash: loading the model says what is wrong with it."""
    try:
        return {"weights": weights_sha256(ref)}
    except ModelError:
        return {}
