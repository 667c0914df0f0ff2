"""Atomic writes: a temporary name in the same folder, fsync, rename. A reader sees the old file or the new one."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from assay.errors import storage_error

if TYPE_CHECKING:
    import pyarrow as pa


def write_atomically(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Calls write(file) on a temporary file beside `path`, then renames it. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101
            os.replace(temporary, path)  # noqa: PTH105
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise storage_error(error, f"writing {path.name}") from error


def write_text(path: Path, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    write_atomically(path, lambda file: _write_all(file, data))


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


GROUP_BYTES = 2 * 1024 * 1024
"""About so much of a table, before compression, is one row group: what a reader of one row has to decode."""


def write_table(table: pa.Table, path: Path) -> None:
    """Parquet, zstd, in row groups of about GROUP_BYTES."""
    import pyarrow.parquet as pq

    each = max(1, table.nbytes // max(1, table.num_rows))
    rows = max(64, GROUP_BYTES // each)
    write_atomically(path, lambda file: pq.write_table(table, file, compression="zstd", row_group_size=rows))


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(path: Path) -> dict[str, str]:
    """{file relative to the folder: sha256}, sorted by name."""
    files = sorted(item for item in path.rglob("*") if item.is_file())
    return {str(item.relative_to(path)): sha256_file(item) for item in files}


def _write_all(file: IO[bytes], data: bytes) -> None:
    file.write(data)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
