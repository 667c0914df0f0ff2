from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from assay.errors import ModelError, require

from ..scorer import scorer


def _validate(settings: Mapping[str, Any]) -> None:
    if not 0.0 <= settings.get("threshold", 0.0) <= 1.0:
        raise ValueError("threshold should be from 0 to 1")
    _encoder(settings.get("encoder", "static"))


@scorer(text_reference=True, validate=_validate)
def embedding_similarity(output: str, reference: str, *, encoder: str = "static", threshold: float = 0.0) -> float:
    """How near the output is to the reference in meaning: the cosine of their vectors, 0 where it is negative.

    `encoder` is `static` (WordLlama's static vectors, English, from its wheel: `pip install 'assay[meaning]'`), or a
    model of sentence-transformers: a folder, or the name of one that was downloaded before, since nothing is fetched
    here. With `threshold` an output counts 1 from that cosine on and 0 below. What is near need not be true: "is
    covered" and "is not covered" are neighbours.
    """
    first, second = _encoder(encoder).encode([output, reference])
    cosine = round(min(1.0, max(0.0, float(first @ second))), 5)
    return float(cosine >= threshold) if threshold else cosine


@cache
def _encoder(name: str) -> Any:
    from assay.stages import load_encoder

    return load_encoder(name if name == "static" or Path(name).is_dir() else _downloaded(name))


def _downloaded(name: str) -> str:
    """The folder of a model of the hub in the cache of this machine."""
    require("encoders", "sentence_transformers")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return str(snapshot_download(name if "/" in name else f"sentence-transformers/{name}", local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise ModelError(
            "is no folder, and no model that was downloaded before",
            where=f"encoder {name}",
            fix=f"run `hf download {name}`, or take encoder: static",
        ) from error
