"""docs/python.md runs as it stands there, from top to bottom, and prints what it shows.

The embedded model is replaced by a tiny one, and the evaluation cut to a few items; tests/real has the model itself.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.guides import ROOT, missing, python_blocks

SMALLER = {
    "smollm2-135m-instruct": "MODEL",
    "TrainSettings(": 'TrainSettings(max_length=256, truncation="drop", ',
    "EvaluateSettings(": "EvaluateSettings(limit=4, damaged_items=4, slightly_damaged_items=4, zero_items=2, ",
}


def test_the_page_runs_as_it_stands_there(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (ROOT / "sample_data").resolve().iterdir():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    for block in python_blocks(ROOT / "docs" / "python.md"):
        code = block.code
        for usual, small in SMALLER.items():
            code = code.replace(usual, small.replace("MODEL", str(tiny_model)))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/python.md", "exec"), space)
        if block.shown and not block.of_model:
            assert missing(block.shown, printed.getvalue()) is None, f"{code}\n--- printed\n{printed.getvalue()}"
