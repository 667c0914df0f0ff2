"""Static encoders: the mean of a text's token vectors, looked up in a table.

A word has the same tokens wherever it stands, since no token of such a model reaches over white space; so each
word is tokenised once, and a text is a sum over its words. That is ten times as fast as tokenising every text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.errors import MissingExtraError, ModelError
from assay.models.hub import first_line

from .constants import MAX_CHARACTERS, STATIC
from .pooling import add_tokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vectors: TypeAlias = npt.NDArray[np.float32]
Tokens: TypeAlias = npt.NDArray[np.int32]
Positions: TypeAlias = npt.NDArray[np.int64]

WEIGHTS_SHA256 = "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
"""Of l2_supercat_256.safetensors: the same in every release of wordllama from 0.2.2 to 0.4.0."""

_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"

_FIX = "pip install --force-reinstall 'assay[meaning]'"

REMEMBERED_CHARACTERS = 4_000_000
"""The tokens of so many characters of words are remembered; then the memory starts afresh."""

BATCH_TEXTS = 512


class StaticEncoder:
    """The normalised sum of token vectors.

    table       float32, shape [tokens, dimensions]
    tokenizer   its ids are rows of the table
    """

    def __init__(self, name: str, table: Vectors, tokenizer: Tokenizer) -> None:
        self.name = name
        self.dimensions = int(table.shape[1])
        self._table = np.ascontiguousarray(table, np.float32)
        self._words = _Words(tokenizer, len(table))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As `Encoder.encode`."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), BATCH_TEXTS):
            batch = texts[start : start + BATCH_TEXTS]
            tokens, ends = self._words.tokens([text[:MAX_CHARACTERS].split() for text in batch])
            add_tokens(self._table, tokens, ends, out[start : start + len(batch)])
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, lengths, out=out, where=lengths > 0)
        return out


class _Words(dict[str, int]):
    """{word: its number, in the order in which they came}, and the tokens of each word in one array.

    Those of word n are _store[_bounds[n] : _bounds[n + 1]]; _new are words that are not tokenised yet.
    """

    _store: Tokens
    _bounds: Positions
    _new: list[str]
    _characters: int

    def __init__(self, tokenizer: Tokenizer, rows: int) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._rows = rows
        self._forget()

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        self._new.append(word)
        return number

    def tokens(self, texts: Sequence[Sequence[str]]) -> tuple[Tokens, Positions]:
        """The tokens of all texts, one after the other, and where each text ends."""
        if self._characters > REMEMBERED_CHARACTERS:
            self._forget()
        counts = np.fromiter(map(len, texts), np.int64, len(texts))
        words = np.fromiter(map(self.__getitem__, chain.from_iterable(texts)), np.int64, int(counts.sum()))
        self._learn()
        starts = self._bounds[words]
        lengths = self._bounds[words + 1] - starts
        ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
        places = np.arange(int(ends[-1])) + np.repeat(starts - ends[:-1], lengths)
        return self._store[places], ends[np.cumsum(counts)]

    def _learn(self) -> None:
        """Tokenises the words that are new."""
        if not self._new:
            return
        self._characters += sum(map(len, self._new))
        encoded = self._tokenizer.encode_batch_fast(list(map(_plain, self._new)), add_special_tokens=False)
        ids = [[token for token in item.ids if token < self._rows] for item in encoded]
        counts = np.fromiter(map(len, ids), np.int64, len(ids))
        store = np.fromiter(chain.from_iterable(ids), np.int32, int(counts.sum()))
        self._store = np.concatenate((self._store, store))
        self._bounds = np.concatenate((self._bounds, self._bounds[-1] + np.cumsum(counts)))
        self._new.clear()

    def _forget(self) -> None:
        self.clear()
        self._new = []
        self._characters = 0
        self._store = np.zeros(0, np.int32)
        self._bounds = np.zeros(1, np.int64)


def load_wordllama() -> StaticEncoder:
    """From the files of the installed wheel; nothing of the package is run, for its own loader asks a host.

    Raises MissingExtraError when it is not installed, ModelError when its weights are not those that were measured.
    """
    from safetensors.numpy import load

    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            "the static encoder needs wordllama, which is not installed",
            fix="pip install 'assay[meaning]', or set curate.encoder: off",
        )
    folder = Path(spec.origin).parent
    try:
        weights = (folder / _WEIGHTS).read_bytes()
    except OSError as error:
        raise ModelError(
            f"no weights in this release of wordllama ({error.strerror})", where=str(folder), fix=_FIX
        ) from error
    if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
        raise ModelError("the weights are not those of wordllama 0.4.0", where=str(folder / _WEIGHTS), fix=_FIX)
    return StaticEncoder(STATIC, load(weights)["embedding.weight"], _tokenizer(folder / _TOKENIZER))


def is_model2vec(folder: Path) -> bool:
    """Whether a folder holds a static model of model2vec (`StaticModel.save_pretrained`)."""
    return (folder / "tokenizer.json").is_file() and _tensors(folder / "model.safetensors") == {"embeddings"}


def load_model2vec(folder: Path) -> StaticEncoder:
    """A model of one plain table. Raises ModelError when it cannot be read."""
    from safetensors.numpy import load_file

    table = load_file(folder / "model.safetensors")["embeddings"]
    return StaticEncoder(str(folder), table, _tokenizer(folder / "tokenizer.json"))


def _tensors(path: Path) -> set[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return set(file.keys())
    except (OSError, SafetensorError):
        return set()


def _tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exceptions
        raise ModelError(f"cannot be read as a tokenizer: {first_line(error)}", where=str(path), fix=_FIX) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _plain(word: str) -> str:
    """Without lone surrogates, which the tokenizer cannot take."""
    return word if word.isascii() else word.encode("utf-8", "replace").decode()
