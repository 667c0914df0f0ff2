"""Characters of each record: all turns together, without roles. Measured when they are first asked for, then kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import StorageError
from assay.storage import write_atomically

from .columns import Columns, version_of
from .keeping import note_use, tidy
from .remembered import Remembered
from .searching import plain
from .walking import Walk


class Lengths:
    """characters: shape [rows]; 0 for rows without text, and for those that were not measured yet."""

    def __init__(self, columns: Columns, kept: Path) -> None:
        self._kept = kept
        self._stored = False
        found = _stored(kept, len(columns))
        self.characters: npt.NDArray[np.int32] = np.zeros(len(columns), np.int32) if found is None else found
        everything = None if found is None else np.zeros(0, np.int64)
        self.walk = Walk(columns, everything, ("messages",), _measured, self._gather)

    def _gather(self, positions: npt.NDArray[np.int64], lengths: Any) -> None:
        self.characters[positions] = lengths

    def extend(self, seconds: float) -> None:
        """Raises SourceError. What cannot be stored is measured again by the next server."""
        if self.walk.ended:
            return
        self.walk.go_on(lambda: False, seconds)
        if self.walk.ended:
            try:
                write_atomically(self._kept, lambda file: self.characters.tofile(file))
            except StorageError:
                return
            tidy(self._kept.parent)


_LENGTHS: Remembered[Lengths] = Remembered(4)


def lengths_of(columns: Columns, cache: Path) -> Lengths:
    """cache: a folder of the store."""
    version = version_of(columns.folder)
    name = hashlib.sha256(repr((str(columns.folder.resolve()), version)).encode()).hexdigest()[:24]
    kept = cache / f"lengths-{name}.i32"
    note_use(kept)
    return _LENGTHS.get((columns.folder, version), lambda: Lengths(columns, kept))


def _measured(table: pa.Table) -> npt.NDArray[np.int32]:
    return np.asarray(pc.utf8_length(plain(table.column("messages"))), np.int32)


def _stored(path: Path, rows: int) -> npt.NDArray[np.int32] | None:
    try:
        found = np.fromfile(path, np.int32)
    except OSError:
        return None
    return found if len(found) == rows else None
