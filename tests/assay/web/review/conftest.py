"""The sample data, curated once, and a copy of it for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.reviews.opened import open_run
from assay.reviews.queue import Queue
from assay.runs import RunStore
from assay.web.site import Site

from .curated import make
from .pressing import Browser


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


@pytest.fixture
def site(folder: Path) -> Site:
    return Site(RunStore(folder / ".assay"), folder / "reviews.jsonl", folder, {"out": folder / "out"}, who="ana")


@pytest.fixture
def ana(site: Site) -> Iterator[Browser]:
    browser = Browser(site)
    browser.open("/review/out")
    yield browser
    browser.client.close()


@pytest.fixture
def ben(site: Site) -> Iterator[Browser]:
    browser = Browser(site)
    browser.open("/review/out")
    browser.send({}, "name", who="ben")
    yield browser
    browser.client.close()


@pytest.fixture
def queue(folder: Path) -> Queue:
    return open_run(folder / "out").queue
