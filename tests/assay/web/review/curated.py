"""A folder in which the sample data was curated, by the real command, once for all tests of the queue."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import assay
from assay.cli import main

SAMPLE = Path(assay.__file__).resolve().parent / "sample_data"


def curate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`assay curate tickets.jsonl -o out` in a folder."""
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(["curate", "tickets.jsonl", "-o", "out", "--quiet"])
    assert ended.value.code == 0


def make(folder: Path) -> None:
    shutil.copy(SAMPLE / "tickets.jsonl", folder)
    with pytest.MonkeyPatch.context() as patch:
        curate(folder, patch)
    (folder / ".assay" / "runs").mkdir(parents=True, exist_ok=True)
