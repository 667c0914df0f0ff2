"""Shared by all tests: no network by accident, no deadline that a busy machine could miss."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("assay", deadline=None, database=None, max_examples=60)
hypothesis.settings.load_profile("assay")

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that no one here wrote; tests that need it are skipped where it is not."""
    here = Path(__file__).resolve().parent.parent
    for candidate in (os.environ.get("ASSAY_SHARED"), here.parent / "shared"):
        if candidate and (Path(candidate) / "data").is_dir():
            return Path(candidate)
    pytest.skip("needs the shared data folder (set ASSAY_SHARED)")
