"""Folders that one process writes at a time, and files that take the place of others together.

A lock is the operating system's, so that a killed process holds none. Who holds it is written beside it, for the
message that the second one gets.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import RunError, storage_error

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK, HOLDER = ".lock", ".holder.json"
NEW = ".assay-new"
"""Folder inside, where files are written that are to take the place of others."""

UNFINISHED = ".*.????????.tmp"
"""What `storage.write_atomically` leaves behind where it is killed."""

OF_LOCKS = (LOCK, HOLDER)
"""Files that say nothing of what is in the folder."""


@contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """The folder for this process alone, made where there is none. What a killed process left half-written is removed,
    and so is a folder in which nothing was written.

    what  is worked on, for the message: `this run`
    Raises RunError, which says who holds it, at once.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    lock = _acquired(folder, what)
    try:
        _sweep(folder)
        _write_holder(folder)
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / HOLDER).unlink(missing_ok=True)
            (folder / LOCK).unlink(missing_ok=True)
        _remove_empty(made)
        lock.release()


def _acquired(folder: Path, what: str) -> BaseFileLock:
    import filelock

    lock = filelock.FileLock(folder / LOCK)
    try:
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
            if (folder / LOCK).exists():
                return lock
            lock.release()  # who held it has removed it since, and another process may lock a new one
    except filelock.Timeout as error:
        raise RunError(
            f"another assay process is working on {what}{_holder(folder)}",
            where=str(folder),
            fix="wait for it, or stop it",
        ) from error
    except OSError as error:
        raise RunError(f"the folder cannot be made ({error.strerror})", where=str(folder)) from error


def _remove_empty(made: Sequence[Path]) -> None:
    """Folders, the innermost first, while they hold nothing."""
    with contextlib.suppress(OSError):
        for path in made:
            path.rmdir()


def holder(folder: Path) -> int | None:
    """The process that holds the folder, None where none does: a killed one left its files and holds nothing."""
    if not is_held(folder):
        return None
    try:
        process = int(json.loads((folder / HOLDER).read_text(encoding="utf-8"))["process"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return process if _has_open(process, folder / LOCK) else None


def is_held(folder: Path) -> bool:
    """Whether a living process holds the folder."""
    return is_locked(folder / LOCK)


def is_locked(file: Path) -> bool:
    """Whether a living process has a lock on it. Asked with a shared lock, which is given back at once."""
    import fcntl

    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _has_open(process: int, lock: Path) -> bool:
    """Where the system tells: the number of a process that is gone may be another's by now."""
    opened = Path(f"/proc/{process}/fd")
    if not opened.is_dir():
        return not Path("/proc/self/fd").is_dir()
    with contextlib.suppress(OSError):
        return any(lock.resolve() == Path(os.path.realpath(one)) for one in opened.iterdir())
    return False


@contextmanager
def replaced_together(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Gives an empty folder; files written there take the place of those in `folder` when the block ends.

    names  of all files that belong together; the last of them says that the others are whole. It goes first and comes
           last, so that a folder whose writer was killed does not look finished. One that was not written anew goes.

    Raises StorageError; nothing is changed where the block raises. The caller holds the folder.
    """
    place = folder / NEW
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir(parents=True)
        yield place
        (folder / names[-1]).unlink(missing_ok=True)
        for name in names:
            if (place / name).exists():
                os.replace(place / name, folder / name)  # noqa: PTH105
            else:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, f"writing into {folder.name}") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _sweep(folder: Path) -> None:
    shutil.rmtree(folder / NEW, ignore_errors=True)
    for stale in folder.glob(UNFINISHED):
        with contextlib.suppress(OSError):
            stale.unlink()


def _write_holder(folder: Path) -> None:
    """A message would be poorer without it, and nothing else."""
    said = json.dumps({"process": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())})
    with contextlib.suppress(OSError):
        (folder / HOLDER).write_text(said, encoding="utf-8")


def _holder(folder: Path) -> str:
    """` (process 4711, since 2026-01-31 12:00:00 UTC)`, where that can be read."""
    try:
        said = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f" (process {int(said['process'])}, since {said['since']!s:.30})"
    except (OSError, ValueError, TypeError, KeyError):
        return ""
