"""docs/python.md with the embedded model itself: what it prints as far as the data is judged."""

from __future__ import annotations

import contextlib
import io
import shutil
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from assay.models.embedded import DEFAULT_MODEL, EMBEDDED, is_installed
from tests.guides import ROOT, missing, python_blocks

pytestmark = pytest.mark.skipif(not is_installed(EMBEDDED[DEFAULT_MODEL]), reason="needs `assay model install`")


def test_the_ledger_is_the_one_that_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (ROOT / "sample_data").resolve().iterdir():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    blocks = list(takewhile(lambda block: "synth(" not in block.code, python_blocks(ROOT / "docs" / "python.md")))
    assert any(block.of_model for block in blocks)
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.code, "docs/python.md", "exec"), space)
        assert missing(block.shown, printed.getvalue()) is None, f"{block.code}\n--- printed\n{printed.getvalue()}"
