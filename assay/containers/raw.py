"""RawRow, and how a file is opened whatever it is compressed with."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

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
CHUNK = 1 << 14
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
        if compression:
            with io.BufferedReader(_Decompressed(file, compression), BUFFER) as decompressed:
                yield cast(IO[bytes], decompressed)
        else:
            yield file


class _Decompressed(io.RawIOBase):
    """Decompressed bytes of one or more members. Whatever comes before damage is given out before the error is."""

    def __init__(self, file: IO[bytes], compression: str) -> None:
        self._file, self._compression = file, compression
        self._decompressor: Any = None
        self._input = self._output = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            self._input = self._input or self._file.read(CHUNK)
            if not self._input:
                if self._decompressor is not None:
                    raise EOFError("it ends too early")
                return 0
            self._decompress()
        size = min(len(buffer), len(self._output))
        buffer[:size], self._output = self._output[:size], self._output[size:]
        return size

    def _decompress(self) -> None:
        if self._decompressor is None:
            self._decompressor = self._new()
        self._output = self._decompressor.decompress(self._input)
        self._input = self._decompressor.unused_data.lstrip(b"\0")
        if self._decompressor.eof:
            self._decompressor = None

    def _new(self) -> Any:
        if self._compression == ".gz":
            return zlib.decompressobj(wbits=31)
        import zstandard

        return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


def decompression_errors() -> tuple[type[Exception], ...]:
    """What reading may raise when compressed data is damaged."""
    import zstandard

    return (EOFError, zlib.error, zstandard.ZstdError)


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
