"""Encoders: texts to vectors whose cosine says how near two texts are in meaning.

The default is WordLlama's static embeddings (MIT, 256 dimensions, English), whose weights come in its wheel, so that
nothing is downloaded. Any other name is a model of sentence-transformers, from the hub or a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from assay.errors import MissingExtraError, ModelError
from assay.models.hub import first_line

from .constants import MAX_CHARACTERS, OFF, STATIC

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """name and dimensions; the same texts always give the same vectors."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape [texts, dimensions]; zeros for a text without words.

        Of each text the first MAX_CHARACTERS count.
        """
        ...


@cache
def load_encoder(name: str) -> Encoder:
    """The encoder of that name, loaded once in each process.

    name  "static"; a folder with model.safetensors and tokenizer.json of model2vec; or a name or folder that
          sentence-transformers can load.

    Raises MissingExtraError when the library is not installed, ModelError when the model cannot be loaded.
    """
    if name == OFF:
        raise ModelError("the encoder is off", fix="set curate.encoder: static")
    if name == STATIC:
        from .static import load_wordllama

        return load_wordllama()
    folder = Path(name)
    if folder.is_dir():
        from .static import is_model2vec, load_model2vec

        if is_model2vec(folder):
            return load_model2vec(folder)
    return _sentence_transformer(name)


def why_missing(name: str) -> str | None:
    """Why checks of meaning cannot be judged with this encoder, or None; loads nothing."""
    if name == OFF:
        return "the encoder is off (curate.encoder)"
    if name == STATIC:
        return None if find_spec("wordllama") else "WordLlama is not installed (pip install 'assay[meaning]')"
    if "sentence_transformers" in sys.modules or find_spec("sentence_transformers"):
        return None
    folder = Path(name)
    if folder.is_dir():
        from .static import is_model2vec

        if is_model2vec(folder):
            return None
    return "sentence-transformers is not installed (pip install 'assay[encoders]')"


class _SentenceTransformerEncoder:
    """A model of sentence-transformers behind the protocol."""

    def __init__(self, name: str, model: object) -> None:
        self.name = name
        self._model = model
        self.dimensions = int(model.encode(["a"]).shape[1])  # type: ignore[attr-defined]

    def encode(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        if not len(texts):
            return np.zeros((0, self.dimensions), np.float32)
        shown = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
        vectors = self._model.encode(  # type: ignore[attr-defined]
            shown, batch_size=64, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        vectors = np.asarray(vectors, np.float32)
        vectors[[not text.strip() for text in shown]] = 0.0
        return vectors


def _sentence_transformer(name: str) -> Encoder:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtraError(
            f"the encoder {name} needs sentence-transformers, which is not installed",
            fix="pip install 'assay[encoders]', or set curate.encoder: static",
        ) from error
    try:
        return _SentenceTransformerEncoder(name, SentenceTransformer(name))
    except Exception as error:  # a library's own errors, of any kind
        raise ModelError(
            f"cannot be loaded as an encoder: {first_line(error)}",
            where=name,
            fix="name a model of sentence-transformers, or a folder that holds one",
        ) from error
