"""Vectors at a byte a component: a million records of two texts in 512 MB.

Each vector is scaled so that its largest component is 127; its direction is kept, with an error of about 0.001 in
the cosine of two of them. What is found with packed vectors is verified with exact ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .encoder import Encoder

Floats: TypeAlias = npt.NDArray[np.float32]
Codes: TypeAlias = npt.NDArray[np.int8]
Positions: TypeAlias = npt.NDArray[np.int64]

ENCODED_AT_ONCE = 4096

PACKED_ERROR = 0.005
"""What the cosine of two packed vectors may be below that of the vectors."""


class Packed:
    """Directions of several texts a record, at equal weight.

    codes            int8, shape [records, texts and more, dimensions]; zeros for a text without words
    wanted           which records are to be searched, shape [records]; all of them for None
    texts            so many of the texts count, the first ones; all of them for None
    inverse_lengths  of their codes, float32, shape [records, texts]; 0 for a text without words
    """

    def __init__(self, codes: Codes, wanted: npt.NDArray[np.bool_] | None = None, texts: int | None = None) -> None:
        self.codes = np.ascontiguousarray(codes)
        self.wanted = wanted
        self.texts, self.dimensions = texts or int(codes.shape[1]), int(codes.shape[2])
        lengths = np.empty((len(codes), self.texts), np.float32)
        for start in range(0, len(codes), ENCODED_AT_ONCE):
            block = self.codes[start : start + ENCODED_AT_ONCE, : self.texts].astype(np.float32)
            lengths[start : start + len(block)] = np.sqrt(np.einsum("rtd,rtd->rt", block, block))
        self.inverse_lengths = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """Records that are wanted and of which every text has words, shape [records]."""
        complete = np.asarray((self.inverse_lengths > 0).all(axis=1))
        return complete if self.wanted is None else complete & self.wanted

    def rows(self, positions: Positions | slice) -> Floats:
        """Unit vectors, shape [positions, texts * dimensions]: the dot product of two is the mean cosine of texts."""
        block = self.codes[positions, : self.texts].astype(np.float32)
        block *= self.inverse_lengths[positions][:, :, None] / np.float32(np.sqrt(self.texts))
        return block.reshape(len(block), self.texts * self.dimensions)

    def text_rows(self, positions: Positions | slice, text: int) -> Floats:
        """Unit vectors of one text, shape [positions, dimensions]."""
        block = self.codes[positions, text].astype(np.float32)
        block *= self.inverse_lengths[positions, text][:, None]
        return block


def pack(vectors: npt.NDArray[np.floating[Any]]) -> Codes:
    """int8 codes of vectors, shape [..., dimensions]."""
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    scaled = vectors * np.divide(127.0, largest, out=np.zeros_like(largest), where=largest > 0)
    codes: Codes = np.rint(scaled).astype(np.int8)
    return codes


def pack_texts(encoder: Encoder, texts: Sequence[str]) -> Packed:
    """One text a record; at no time are more than ENCODED_AT_ONCE vectors held in full."""
    codes = np.empty((len(texts), 1, encoder.dimensions), np.int8)
    for start in range(0, len(texts), ENCODED_AT_ONCE):
        part = encoder.encode(texts[start : start + ENCODED_AT_ONCE])
        codes[start : start + len(part), 0] = pack(part)
    return Packed(codes)
