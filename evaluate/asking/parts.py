"""Answers that were already given, by content: what a killed evaluation, or a second candidate, need not ask again.

One file a part; a part is all the answers of one model to one suite. Its name is a digest of everything that decides
them: weights, adapter, tokenizer, template, items, scorer, data type, batching, and the libraries that compute.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.locks import UNFINISHED
from assay.runs import library_versions
from assay.storage import write_table

from .examination import Answer, digest

if TYPE_CHECKING:
    from filelock import BaseFileLock

WRITER = ".writer-"
"""Beginning of the name of a lock that a process holds while it may write."""

ENGINE = 6
"""To be raised when scoring changes so that answers could differ."""


def part_key(**decides: Any) -> str:
    """The name of a part."""
    return digest({"engine": ENGINE, "libraries": library_versions(), **decides})[:32]


@dataclass(frozen=True)
class PartStore:
    """A folder of parts. Several processes may read and write it at once: a part is whole or not there."""

    folder: Path

    def get(self, key: str, items: int) -> list[Answer] | None:
        """The answers, or None when there is no such part or it is not whole."""
        path = self.folder / f"{key}.parquet"
        try:
            columns: Mapping[str, list[Any]] = pq.read_table(path).to_pydict()
            rows = zip(*(columns[name] for name in Answer._fields), strict=True)
            answers = [
                Answer(score, output, logprob, None if options is None else tuple(options), ended)
                for score, output, logprob, options, ended in rows
            ]
        except (OSError, pa.ArrowInvalid, KeyError):
            return None
        return answers if len(answers) == items else None

    def put(self, key: str, answers: Sequence[Answer]) -> None:
        """Raises StorageError."""
        announce(self.folder)
        table = pa.table(
            {
                "score": pa.array([answer.score for answer in answers], pa.float64()),
                "output": pa.array([answer.output for answer in answers], pa.string()),
                "logprob": pa.array([answer.logprob for answer in answers], pa.float64()),
                "option_logprobs": pa.array([answer.option_logprobs for answer in answers], pa.list_(pa.float64())),
                "ended": pa.array([answer.ended for answer in answers], pa.bool_()),
            }
        )
        write_table(table, self.folder / f"{key}.parquet")


@cache
def announce(folder: Path) -> None:
    """Says that this process writes here, until it ends; and removes what killed ones left half-written, where no
    other writes. A process that cannot say so goes on without: nothing depends on it but the sweeping."""
    import filelock

    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            own = filelock.FileLock(folder / f"{WRITER}{os.getpid()}-{secrets.token_hex(4)}.lock")
            own.acquire(timeout=5)
            if Path(own.lock_file).exists():
                break  # else another process took it for one that a killed process left
        atexit.register(_withdraw, own)
        _sweep(folder, Path(own.lock_file))


def _sweep(folder: Path, own: Path) -> None:
    """Files first, writers then: whoever wrote one of these files had said so before."""
    import filelock

    unfinished = list(folder.glob(UNFINISHED))
    for writer in folder.glob(f"{WRITER}*.lock"):
        if writer == own:
            continue
        lock = filelock.FileLock(writer)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return
        _withdraw(lock)
    for path in unfinished:
        path.unlink(missing_ok=True)


def _withdraw(lock: BaseFileLock) -> None:
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
