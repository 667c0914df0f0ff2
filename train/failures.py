"""A full disk, however the library beneath puts it, as one line."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import StorageError, storage_error

BYTES_PER_PARAMETER = 12
"""A float32 weight and Adam's two moments."""

CHECKPOINTS_AT_ONCE = 3
"""Two are kept, and a third is written before the oldest goes."""

FULL = ("no space left on device", "disk quota exceeded", "file write failed", "unexpected pos", "pytorchstreamwriter")
"""What torch says in place of an OSError."""

RUST = re.compile(r"\(os error (\d+)\)")
"""What safetensors says in place of one."""


@contextmanager
def storage_failures(folder: Path) -> Iterator[None]:
    """Raises StorageError for what cannot be written; checkpoints that are whole stay and are resumed."""
    from safetensors import SafetensorError

    try:
        yield
    except OSError as error:
        raise storage_error(error, "saving a checkpoint or the adapter") from error
    except (RuntimeError, SafetensorError) as error:
        number = system_error(error)
        if number is None:
            raise
        known = OSError(number, os.strerror(number), str(folder))
        raise storage_error(known, "saving a checkpoint or the adapter") from error


def system_error(error: BaseException) -> int | None:
    """The errno behind what a library says about a write, None when it says something else."""
    text = str(error).lower()
    if match := RUST.search(text):
        return int(match[1])
    return errno.ENOSPC if any(words in text for words in FULL) else None


def enough_room(folder: Path, parameters: int) -> None:
    """Raises StorageError when the disk cannot hold the checkpoints of a run."""
    needed = parameters * BYTES_PER_PARAMETER * CHECKPOINTS_AT_ONCE
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"checkpoints need {-(-needed // 2**20)} MB, and {free // 2**20} MB are free",
            where=str(folder),
            fix="make room there, or name another folder with `store` in assay.yaml",
        )
