"""Records and commands for the pages of training."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.cli import main

HOST = "127.0.0.1:8765"
HOSTILE = "<script>alert(1)</script> {{ 7*7 }} \u202eevil \x07"
HOSTILE_FILE = "<img src=x onerror=alert(2)>.jsonl"
FAST = ("train.load_in_4bit=false", "train.dtype=float32", "train.device=cpu", "train.samples=1")


def write_records(path: Path, count: int = 40, said: str = "") -> None:
    colours = ("red", "green", "blue", "amber")
    rows = [{"prompt": f"{said}The {colours[n % 4]} thing {n}?", "completion": colours[n % 4]} for n in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@contextlib.contextmanager
def within(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def assay(folder: Path, *arguments: str) -> str:
    """What a command says on stderr, run in this folder; it ends well."""
    said = io.StringIO()
    quiet = contextlib.redirect_stdout(io.StringIO())
    with within(folder), contextlib.redirect_stderr(said), quiet, pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert not ended.value.code, said.getvalue()
    return said.getvalue()
