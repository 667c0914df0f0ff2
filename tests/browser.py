"""A real browser on a real server: Chromium driven by Playwright against `assay ui`, in a process of its own.

Skipped where no Chromium is: `apt-get install chromium`, or set ASSAY_CHROMIUM to the program.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The program. Skips the test where there is none."""
    found = os.environ.get("ASSAY_CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("needs Chromium (apt-get install chromium, or ASSAY_CHROMIUM=/path)")
    pytest.importorskip("playwright", reason="needs playwright (pip install playwright)")
    return found


class Served:
    """One `assay ui` in a folder. link: the one-time address it printed; root: the address without path."""

    def __init__(self, folder: Path, *arguments: str, who: str = "ana") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assay.cli", "ui", "--no-browser", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "USER": who, "LOGNAME": who},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            found = re.search(r"http://\S+", line)
            if found:
                self.link = found.group()
                break
        else:
            raise AssertionError(f"no link: {said}")
        self.root = re.match(r"http://[^/]+", self.link).group()  # type: ignore[union-attr]

    def kill(self) -> None:
        """As a crash does it: no chance to write anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def served(folder: Path, *arguments: str, who: str = "ana") -> Iterator[Served]:
    server = Served(folder, *arguments, who=who)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium (playwright's `Browser`)."""
    program = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield opened
        finally:
            opened.close()


def serious_findings(page: Any) -> list[str]:
    """What axe finds that is serious or critical: "rule: how many places"."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {len(v['nodes'])}" for v in found if v["impact"] in ("serious", "critical")]
