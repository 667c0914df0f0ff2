"""RawRow, and how a file is opened whatever it is compressed with."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from assay.errors import SourceError
from assay.records import Json


class RawRow(NamedTuple):
    """One row as it stands in a file.

    line  from 1, None where the container has no lines; row from 0, faulty rows included
    fault why there is no value; the row still counts
    """

    value: Json
    line: int | None
    row: int
    fault: str | None = None


COMPRESSED = (".gz", ".zst")
BUFFER = 1 << 20
BREAKS_OFF = "the compressed data breaks off here; copy the file again"


def suffixes(path: Path) -> tuple[str, str]:
    """(kind, compression) of a name: a.jsonl.gz -> (".jsonl", ".gz")."""
    last = path.suffix.lower()
    if last in COMPRESSED:
        return Path(path.stem).suffix.lower(), last
    return last, ""


@contextmanager
def open_binary(path: Path) -> Iterator[IO[bytes]]:
    """The uncompressed bytes of a file. Raises SourceError when it cannot be opened."""
    _, compression = suffixes(path)
    try:
        file = path.open("rb", buffering=BUFFER)
    except OSError as error:
        raise unreadable(path, error) from error
    with file:
        if compression == ".gz":
            yield cast(IO[bytes], io.BufferedReader(gzip.GzipFile(fileobj=file), BUFFER))
        elif compression == ".zst":
            import zstandard

            reader = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(file, read_across_frames=True)
            yield cast(IO[bytes], io.BufferedReader(reader, BUFFER))
        else:
            yield file


def decompression_errors() -> tuple[type[Exception], ...]:
    """What reading may raise when compressed data is damaged."""
    import zstandard

    return (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)


def read_all(path: Path) -> bytes:
    """Raises SourceError."""
    with open_binary(path) as file:
        try:
            return file.read()
        except decompression_errors() as error:
            raise SourceError(
                f"the compressed data is damaged ({error})", where=str(path), fix="copy the file again"
            ) from error
        except OSError as error:
            raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(f"cannot be read ({error.strerror or error})", where=str(path))
