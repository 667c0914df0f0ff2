"""Records near in meaning to a text or to another record, by the static encoder of curate's own checks.

A record has two directions, of what is asked and of what is answered. A text is compared with the nearer of the two, a
record with both. At most MOST_COMPARED rows are encoded, those that the other filters leave.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.dataset import messages_from_text
from assay.errors import StorageError
from assay.records import Message
from assay.storage import write_atomically
from assay.text import conversation_text

from ..meaning.constants import STATIC
from ..meaning.encoder import load_encoder, why_missing
from .columns import Columns, version_of
from .keeping import note_use, tidy
from .remembered import Remembered
from .walking import Walk

Positions: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]

MOST_COMPARED = 100_000
"""Rows; a page encodes them little by little, and a row once."""

NEAREST = 500
"""Rows that are listed."""

LEAST_ALIKE = 0.3
"""A cosine below this says that two texts have nothing to do with each other."""


def missing() -> str:
    """Why nothing can be compared by meaning, in one line, or ""."""
    return why_missing(STATIC) or ""


class Meanings:
    """codes: of the rows that are done, int8, shape [rows, 2, dimensions]; what is not written takes no memory."""

    def __init__(self, columns: Columns, kept: Path) -> None:
        self.encoder = load_encoder(STATIC)
        self.codes = np.zeros((len(columns), 2, self.encoder.dimensions), np.int8)
        self.done = np.zeros(len(columns), np.bool_)
        self._columns, self._kept = columns, kept
        self._walk: tuple[bytes, Walk] | None = None
        stored = _stored(kept, self.codes.shape)
        if stored is not None:
            positions, codes = stored
            self.codes[positions], self.done[positions] = codes, True

    def encode(self, positions: Positions, seconds: float) -> None:
        """Goes on with those of the rows that have no codes yet. Raises SourceError."""
        left = positions[~self.done[positions]]
        if not len(left):
            return
        key = hashlib.sha256(positions.tobytes()).digest()
        if self._walk is None or self._walk[0] != key or self._walk[1].ended:
            self._walk = key, Walk(self._columns, left, ("messages",), self._encoded, self._gather)
        walk = self._walk[1]
        walk.go_on(lambda: False, seconds)
        if walk.ended:
            self.done[left] = True  # those without text as well
            self._store()

    def _encoded(self, table: pa.Table) -> npt.NDArray[np.int8]:
        from ..meaning.vectors import pack

        turns = [messages_from_text(text) for text in table.column("messages").to_pylist()]
        asked = self.encoder.encode([_said(own, answer=False) for own in turns])
        return pack(np.stack((asked, self.encoder.encode([_said(own, answer=True) for own in turns])), axis=1))

    def _gather(self, positions: Positions, codes: Any) -> None:
        self.codes[positions] = codes
        self.done[positions] = True

    def _store(self) -> None:
        positions = np.flatnonzero(self.done)
        try:
            write_atomically(self._kept, lambda file: np.savez(file, positions=positions, codes=self.codes[positions]))
        except StorageError:  # the next server encodes them again
            return
        tidy(self._kept.parent)

    def nearest(self, wanted: Floats, positions: Positions) -> tuple[Positions, Floats]:
        """The nearest of the rows that are encoded, and their cosines, the nearest first.

        wanted  unit vectors, shape [1, dimensions] of a text, or [2, dimensions] of what a record asks and answers
        """
        own = positions[self.done[positions]]
        scores = np.zeros(len(own), np.float32)
        for start in range(0, len(own), 8192):
            part = self.codes[own[start : start + 8192]].astype(np.float32)
            part /= np.maximum(np.linalg.norm(part, axis=2, keepdims=True), np.float32(1e-9))
            if len(wanted) == 1:
                scores[start : start + len(part)] = (part @ wanted[0]).max(axis=1)
            else:
                scores[start : start + len(part)] = np.einsum("rtd,td->r", part, wanted) / 2
        order = np.argsort(-scores, kind="stable")[:NEAREST]
        order = order[scores[order] >= LEAST_ALIKE]
        return own[order], scores[order]

    def of_text(self, text: str) -> Floats:
        return self.encoder.encode([text])

    def of_record(self, messages: tuple[Message, ...]) -> Floats:
        return self.encoder.encode([_said(messages, answer=False), _said(messages, answer=True)])


_MEANINGS: Remembered[Meanings] = Remembered(2)


def meanings_of(columns: Columns, cache: Path) -> Meanings:
    """cache: a folder of the store. Raises MissingExtraError, ModelError."""
    version = version_of(columns.folder)
    name = hashlib.sha256(repr((str(columns.folder.resolve()), version)).encode()).hexdigest()[:24]
    kept = cache / f"meanings-{name}.npz"
    note_use(kept)
    return _MEANINGS.get((columns.folder, version), lambda: Meanings(columns, kept))


def _said(messages: tuple[Message, ...], *, answer: bool) -> str:
    """What is asked, or what is answered; the system's turns are neither."""
    roles = ("assistant",) if answer else ("user", "tool")
    return conversation_text(message for message in messages if message.role in roles)


def _stored(path: Path, shape: tuple[int, ...]) -> tuple[Any, Any] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            positions, codes = found["positions"], found["codes"]
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    fits = codes.shape == (len(positions), *shape[1:]) and (not len(positions) or int(positions.max()) < shape[0])
    return (positions, codes) if fits else None
