"""What the workbench measured, in the store so that the next server need not: bounded, the least recently used goes.

A file is read as a whole, so that a server which has it loses nothing when it goes.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from assay.locks import UNFINISHED
from assay.web.site import Site

MOST_BYTES = 512 * 1024**2
"""Of all files together; lengths of a million records take 4 MB, meanings of 100,000 take 52."""

UNUSED_SECONDS = 30 * 24 * 3600.0
IN_USE_SECONDS = 3600.0
"""What was used since is kept whatever the bound says: another server may be about to read it."""


def cache_of(site: Site) -> Path:
    """Where it is kept."""
    return site.store.root / "cache" / "workbench"


def note_use(path: Path) -> None:
    """The time of change is that of the last use, noted where it is ten minutes old."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > IN_USE_SECONDS / 6:
            os.utime(path)


def tidy(folder: Path, most: int = MOST_BYTES) -> None:
    """Removes what was not used for long, and the least recently used beyond the bound."""
    now, left = time.time(), most
    for used, size, path in sorted(_files(folder), reverse=True):
        age, unfinished = now - used, path.match(UNFINISHED)
        left -= size
        if age > IN_USE_SECONDS and (unfinished or age > UNUSED_SECONDS or left < 0):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """(time of last use, bytes, path) of each."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                stat = path.stat()
                if path.is_file():
                    found.append((stat.st_mtime, stat.st_size, path))
    return found
