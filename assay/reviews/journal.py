"""Where decisions are kept: reviews.jsonl, one decision a line, only ever added to.

Each line is on the disk before `append` returns, under a lock, so that two tabs, two processes or a crash between
two decisions lose none. A later line about the same thing holds; what was said before it stays readable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from assay.errors import SourceError, storage_error

from .review import Review, review_from_json

NAME = "reviews.jsonl"
STORE = Path(".assay")


def usual_journal(root: Path) -> Path:
    """reviews.jsonl beside the settings file where it is or that file is, else in the run store."""
    beside = root / NAME
    return beside if beside.is_file() or (root / "assay.yaml").is_file() else STORE / NAME


def journal_of_store(store: Path, settings: Path | None = None) -> Path:
    """Of the runs of a store: beside the settings file that they were made with, else in the store.

    settings  the folder of the settings file, where the user named one; else that of the store and this one are tried
    """
    for root in (store.resolve().parent, Path()) if settings is None else (settings,):
        if (root / NAME).is_file() or (root / "assay.yaml").is_file():
            return root / NAME
    return store / NAME


def append(path: Path, reviews: Sequence[Review]) -> None:
    """Adds decisions. Raises StorageError when they could not be written; then none of them was.

    The lock is beside the file; a last line that a crash cut off in the middle is taken away first.
    """
    if reviews:
        append_knowing(path, lambda: reviews)


def append_knowing(path: Path, say: Callable[[], Sequence[Review]]) -> None:
    """Adds what `say` answers when nobody else can write any more, so that it knows all that was said before.

    Raises StorageError, and whatever `say` raises.
    """
    import filelock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_name(f".{path.name}.lock")):
            reviews = say()
            if reviews:
                _write(path, reviews)
    except OSError as error:
        raise storage_error(error, f"writing {path.name}") from error


def _write(path: Path, reviews: Sequence[Review]) -> None:
    lines = "".join(json.dumps(review.to_json(), ensure_ascii=True) + "\n" for review in reviews).encode()
    with path.open("a+b") as file:
        start = _whole_lines(file.seek(0, os.SEEK_END), path)
        file.truncate(start)
        try:
            file.write(lines if start == 0 or _byte_before(path, start) == b"\n" else b"\n" + lines)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(start)
            raise


def reviews_in(path: Path) -> tuple[Review, ...]:
    """As `read_reviews`; none where there is no file yet."""
    return read_reviews(path) if path.is_file() else ()


def read_reviews(path: Path) -> tuple[Review, ...]:
    """All decisions in order. Raises SourceError, with the line, for one that cannot be meant.

    A last line without its end that is no JSON was never acknowledged: a crash cut it off, and it does not count.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"the decisions cannot be read ({error.strerror})", where=str(path)) from error
    return reviews_from_text(data, path)


def reviews_from_text(data: bytes, path: Path, first: int = 0) -> tuple[Review, ...]:
    """Decisions of the lines in `data`, which stand in the file after `first` others. Raises SourceError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("the decisions cannot be read (it is not UTF-8)", where=str(path)) from error
    reviews = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{first + number}"
        try:
            data_of_line = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise SourceError("is not JSON", where=where, fix="one decision a line; take out what is none") from error
        reviews.append(review_from_json(data_of_line, where))
    return tuple(reviews)


def _whole_lines(size: int, path: Path) -> int:
    """Bytes up to the end of the last line that is whole: ended, or JSON all the same (somebody edited the file)."""
    if size == 0 or _byte_before(path, size) == b"\n":
        return size
    data = path.read_bytes()
    start = data.rfind(b"\n") + 1
    try:
        json.loads(data[start:])
    except ValueError:
        return start
    return size


def _byte_before(path: Path, position: int) -> bytes:
    with path.open("rb") as file:
        file.seek(position - 1)
        return file.read(1)
