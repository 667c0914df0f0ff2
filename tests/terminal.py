"""A command in a pseudo-terminal, with real keys."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60.0


class Terminal:
    """One process whose standard streams are a terminal of 40 lines; `seen` is all that it wrote."""

    def __init__(self, *arguments: str, folder: Path, env: Mapping[str, str] | None = None, columns: int = 100) -> None:
        self._main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assay.cli", *arguments],
            stdin=side,
            stdout=side,
            stderr=side,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent), **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # the terminal that Ctrl-C is typed at
        )
        os.close(side)
        self.seen = ""
        self._looked = 0

    def type(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    def wait_for(self, text: str) -> str:
        """What came since the last call, up to `text`. Raises AssertionError when it does not come."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen[self._looked :]:
            assert time.monotonic() < end and self._read(end), f"'{text}' did not come after: {self.seen[-1500:]}"
        start = self._looked
        self._looked = self.seen.index(text, start) + len(text)
        return self.seen[start : self._looked]

    def end(self) -> int:
        """The exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        return self.process.wait(PATIENCE)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._main)

    def _read(self, end: float) -> bool:
        """False when the process is gone and nothing more is to be read."""
        ready, _, _ = select.select([self._main], [], [], max(0.0, end - time.monotonic()))
        try:
            data = os.read(self._main, 65536) if ready else b""
        except OSError:  # Linux says so when the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def terminal(*arguments: str, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    opened = Terminal(*arguments, folder=folder, env=env)
    try:
        yield opened
    finally:
        opened.close()
