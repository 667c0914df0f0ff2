"""The sample data, curated once, and a copy of it for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .curated import make


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curated")
    make(folder)
    return folder


@pytest.fixture
def folder(sample: Path, tmp_path: Path) -> Path:
    made = tmp_path / "project"
    shutil.copytree(sample, made)
    return made
