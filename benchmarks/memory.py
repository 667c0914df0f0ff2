"""The most memory that a process and all that it started have at a time, by proportional set size: pages that several
of them share count once, and pages of mapped files count as long as they are mapped."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

SAMPLED_SECONDS = 0.05


class Peak:
    """Sampled until the process has ended; bytes. Linux only: it stays 0 elsewhere."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.bytes = 0
        self._thread = threading.Thread(target=self._watch, args=(process,), daemon=True)
        self._thread.start()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            self.bytes = max(self.bytes, sum(map(_proportional, family(process.pid))))
            time.sleep(SAMPLED_SECONDS)


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    except OSError:
        pass
    return found


def _proportional(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
